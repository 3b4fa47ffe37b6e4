export { type SignalingChannel, type SignalingChannelEvents } from './channel.ts'
export * from './client.ts'
export * from './client-message-transport.ts'
export * from './device.ts'
export * from './device-message-transport.ts'
export * from './errors.ts'
export type { JSONObject, JSONValue } from './json.ts'
export * from './limits.ts'
export { type MessageTransport, type MessageTransportEvents, MessageTransportMode } from './message-transport.ts'
export {
  type IceCandidate, type IceServer, type SessionDescription, type SignalingCandidate, type SignalingDescription, type WebrtcSignalingMessage,
  WebrtcSignalingMessageType,
} from './messages.ts'
export * from './states.ts'
