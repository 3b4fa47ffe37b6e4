// The client and device API under its published names (protocol/webrtc-signaling.md §9), with the browser as host.
import {
  createSignalingClient as createPortableClient, createSignalingDevice as createPortableDevice, type SignalingClient,
  type SignalingClientOptions, type SignalingDevice, type SignalingDeviceOptions,
} from '../../lib/signaling/index.ts'
import { DeviceConnectionTimeout as PortableConnectionTimeout } from '../../lib/webrtc/index.ts'
import { browserClock, createBrowserHost } from './host.ts'

export { LenskeyError } from '../../lib/errors.ts'
export {
  ClientMessageTransportSecurityMode, type ClientMessageTransportOptions, createClientMessageTransport, createDeviceMessageTransport,
  DeviceIdNotFoundError, type DeviceMessageTransportOptions, DeviceMessageTransportSecurityMode, DeviceOfflineError, HttpError,
  type JSONValue, type MessageTransport, ProductIdNotFoundError, type SignalingCandidate, type SignalingChannel, SignalingChannelState,
  type SignalingClient, type SignalingClientOptions, SignalingConnectionState, type SignalingDescription, type SignalingDevice,
  type SignalingDeviceOptions, SignalingError, SignalingErrorCodes, type WebrtcSignalingMessage, WebrtcSignalingMessageType,
} from '../../lib/signaling/index.ts'
export { PerfectNegotiation, SignalingEventHandler, type SignalingEventHandlerConnection } from '../../lib/webrtc/index.ts'
export { browserClock, browserRandom, createBrowserHost } from './host.ts'

/** No I/O until `start()`. */
export function createSignalingClient(options: SignalingClientOptions): SignalingClient {
  return createPortableClient(options, createBrowserHost())
}

/** No I/O until `start()`. Tokens come from `DeviceTokenGenerator` of `lenskey/device`, or from wherever the key is. */
export function createSignalingDevice(options: SignalingDeviceOptions): SignalingDevice {
  return createPortableDevice(options, createBrowserHost())
}

export class DeviceConnectionTimeout extends PortableConnectionTimeout {
  constructor(timeoutMs: number, callback: () => void) {
    super(timeoutMs, callback, browserClock)
  }
}
