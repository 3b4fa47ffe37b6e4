/** Why a session with a camera ended, under the names and numbers of the browser client (protocol/edge-webrtc.md §9). */
export const NabtoWebrtcErrorCode = {
  DEVICE_CLOSED: 0,
  DEVICE_SIGNALING_DENIED: 1,
  DEVICE_INTERNAL_ERROR: 2,
  BASESTATION_TOKEN_REJECTED: 3,
  BASESTATION_DEVICE_OFFLINE: 4,
  BASESTATION_UNKNOWN_PRODUCT_ID: 5,
  BASESTATION_UNKNOWN_DEVICE_ID: 6,
  CONNECTION_TIMEOUT: 7,
  UNKNOWN: 8,
} as const
export type NabtoWebrtcErrorCode = (typeof NabtoWebrtcErrorCode)[keyof typeof NabtoWebrtcErrorCode]

/** Close codes of the service's WebSocket (§1.2). Those without a name of their own mean `UNKNOWN` to browsers; the reason says more. */
export const EdgeCloseCodes = {
  deviceClosed: 1000,
  /** The service goes away; what it was asked can be asked again. */
  goingAway: 1001,
  unsupportedPayload: 1007,
  policy: 1008,
  tooLarge: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
  signalingDenied: 4001,
  tokenRejected: 4002,
  deviceOffline: 4003,
  unknownProductId: 4005,
  unknownDeviceId: 4006,
  connectionTimeout: 4007,
  deviceInternalError: 4010,
} as const
export type EdgeCloseCode = (typeof EdgeCloseCodes)[keyof typeof EdgeCloseCodes]

const errorCodes = /* @__PURE__ */ new Map<number, NabtoWebrtcErrorCode>([
  [EdgeCloseCodes.deviceClosed, NabtoWebrtcErrorCode.DEVICE_CLOSED],
  [EdgeCloseCodes.signalingDenied, NabtoWebrtcErrorCode.DEVICE_SIGNALING_DENIED],
  [EdgeCloseCodes.tokenRejected, NabtoWebrtcErrorCode.BASESTATION_TOKEN_REJECTED],
  [EdgeCloseCodes.deviceOffline, NabtoWebrtcErrorCode.BASESTATION_DEVICE_OFFLINE],
  [EdgeCloseCodes.unknownProductId, NabtoWebrtcErrorCode.BASESTATION_UNKNOWN_PRODUCT_ID],
  [EdgeCloseCodes.unknownDeviceId, NabtoWebrtcErrorCode.BASESTATION_UNKNOWN_DEVICE_ID],
  [EdgeCloseCodes.connectionTimeout, NabtoWebrtcErrorCode.CONNECTION_TIMEOUT],
  [EdgeCloseCodes.deviceInternalError, NabtoWebrtcErrorCode.DEVICE_INTERNAL_ERROR],
])

/** What a page is told of a close code. */
export function errorCodeOfClose(closeCode: number): NabtoWebrtcErrorCode {
  return errorCodes.get(closeCode) ?? NabtoWebrtcErrorCode.UNKNOWN
}
