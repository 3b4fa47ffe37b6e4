// The client and device API under its published names (protocol/webrtc-signaling.md §9), with the browser as host.
import { createSignalingDevice as createPortableDevice, type SignalingDevice, type SignalingDeviceOptions } from '../../lib/signaling/index.ts'
import { createBrowserHost } from './host.ts'

export * from './client.ts'
export {
  createDeviceMessageTransport, type DeviceMessageTransportOptions, DeviceMessageTransportSecurityMode, type SignalingDevice, type SignalingDeviceOptions,
} from '../../lib/signaling/index.ts'

/** No I/O until `start()`. Tokens come from `DeviceTokenGenerator` of `lenskey/device`, or from wherever the key is. */
export function createSignalingDevice(options: SignalingDeviceOptions): SignalingDevice {
  return createPortableDevice(options, createBrowserHost())
}
