// What a program that views cameras needs, with the browser as host (protocol/webrtc-signaling.md §9). index.ts adds the
// device's end.
import { createSignalingClient as createPortableClient, type SignalingClient, type SignalingClientOptions } from '../../lib/signaling/client.ts'
import { DeviceConnectionTimeout as PortableConnectionTimeout } from '../../lib/webrtc/index.ts'
import { browserClock, createBrowserHost } from './host.ts'

export {
  type CameraClient, type CameraClientOptions, ClientError, createCameraClient, createViewer, formatPairingLink, type IamClient, type PairingLink,
  parsePairingLink, RefusedError, type Viewer, type ViewerOptions,
} from '../../lib/client/index.ts'
export { ChallengeError } from '../../lib/access/index.ts'
export { LenskeyError } from '../../lib/errors.ts'
export { PasswordError } from '../../lib/iam/index.ts'
export {
  ClientMessageTransportSecurityMode, type ClientMessageTransportOptions, createClientMessageTransport, DeviceIdNotFoundError, DeviceOfflineError,
  HttpError, type JSONValue, type MessageTransport, ProductIdNotFoundError, type SignalingCandidate, type SignalingChannel, SignalingChannelState,
  type SignalingClient, type SignalingClientOptions, SignalingConnectionState, type SignalingDescription, SignalingError, SignalingErrorCodes,
  type WebrtcSignalingMessage, WebrtcSignalingMessageType,
} from '../../lib/signaling/index.ts'
export { PerfectNegotiation, SignalingEventHandler, type SignalingEventHandlerConnection } from '../../lib/webrtc/index.ts'
export { browserClock, browserRandom, createBrowserHost } from './host.ts'

/** No I/O until `start()`. */
export function createSignalingClient(options: SignalingClientOptions): SignalingClient {
  return createPortableClient(options, createBrowserHost())
}

export class DeviceConnectionTimeout extends PortableConnectionTimeout {
  constructor(timeoutMs: number, callback: () => void) {
    super(timeoutMs, callback, browserClock)
  }
}
