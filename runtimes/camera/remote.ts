import { createServerConnectTokens } from '../../lib/access/index.ts'
import { type Camera, type CameraOptions, createCamera } from '../../lib/device/index.ts'
import type { Iam } from '../../lib/iam/index.ts'
import type { Host } from '../../lib/runtime/index.ts'
import type { PeerConnection } from '../../lib/webrtc/index.ts'

/** A camera at a rendezvous, which is kept told of the server connect tokens of its users. */
export function createRemoteCamera<Connection extends PeerConnection>(options: CameraOptions<Connection> & { iam: Iam }, host: Host): Camera<Connection> {
  const { iam, productId, deviceId, endpointUrl, tokenGenerator } = options
  const camera = createCamera<Connection>(options, host)
  const tokens = createServerConnectTokens({ device: camera.device, iam, productId, deviceId, endpointUrl, tokenGenerator }, host)
  return {
    ...camera,
    close() {
      tokens.close()
      camera.close()
    },
  }
}
