import { type CameraOptions, type Camera, createCamera as createCameraOn, DeviceTokenGenerator as PortableDeviceTokenGenerator } from '../../lib/device/index.ts'
import { createViewer as createViewerOn, type Viewer, type ViewerOptions } from '../../lib/client/index.ts'
import type { Signer } from '../../lib/crypto/index.ts'
import type { Host } from '../../lib/runtime/index.ts'
import {
  createSignalingClient as createSignalingClientOn, createSignalingDevice as createSignalingDeviceOn, type SignalingClient,
  type SignalingClientOptions, type SignalingDevice, type SignalingDeviceOptions,
} from '../../lib/signaling/index.ts'
import type { PeerConnection } from '../../lib/webrtc/index.ts'
import { createNodeHost } from './host.ts'

export * from '../../lib/errors.ts'
export {
  ClientMessageTransportSecurityMode, createClientMessageTransport, createDeviceMessageTransport, DeviceIdNotFoundError,
  DeviceMessageTransportSecurityMode, DeviceOfflineError, HttpError, MessageTransportMode, ProductIdNotFoundError, SignalingChannelState,
  SignalingConnectionState, SignalingError, SignalingErrorCodes, WebrtcSignalingMessageType,
} from '../../lib/signaling/index.ts'
export type * from '../../lib/signaling/index.ts'
export { PerfectNegotiation, SignalingEventHandler } from '../../lib/webrtc/index.ts'
export type * from '../../lib/webrtc/index.ts'
export { createNodeHost } from './host.ts'
export * from './media/index.ts'
export * from './webrtc/index.ts'

// The library's functions with Node as their host; each takes another one as its last argument.

export function createSignalingDevice(options: SignalingDeviceOptions, host: Host = createNodeHost()): SignalingDevice {
  return createSignalingDeviceOn(options, host)
}

export function createSignalingClient(options: SignalingClientOptions, host: Host = createNodeHost()): SignalingClient {
  return createSignalingClientOn(options, host)
}

export function createCamera<Connection extends PeerConnection>(options: CameraOptions<Connection>, host: Host = createNodeHost()): Camera<Connection> {
  return createCameraOn(options, host)
}

export function createViewer<Connection extends PeerConnection>(options: ViewerOptions<Connection>, host: Host = createNodeHost()): Viewer<Connection> {
  return createViewerOn(options, host)
}

export class DeviceTokenGenerator extends PortableDeviceTokenGenerator {
  constructor(productId: string, deviceId: string, privateKey: string | Signer, host: Pick<Host, 'clock' | 'random' | 'nativeCrypto'> = createNodeHost(), lifetimeSeconds?: number) {
    super(productId, deviceId, privateKey, host, lifetimeSeconds)
  }
}
