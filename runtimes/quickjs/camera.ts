// A whole camera for a bare engine, in one file: what device.ts has, sessions with viewers, the guard that decides who may have
// one, OAuth, server connect tokens and the Edge dialect. The firmware brings the host, a WebRTC engine (lib/webrtc, `PeerConnection`) and storage (lib/runtime).
export * from './device.ts'
export { generatePrivateKey, parsePublicKey, privateKeyToPem } from '../../lib/crypto/index.ts'
export { addOauthEndpoint, createServerConnectTokens } from '../../lib/access/index.ts'
export { createCamera, createCameraGuard, whileAllowed } from '../../lib/device/index.ts'
export {
  defaultConfiguration, generatePassword, generateServerConnectToken, IamError, isPaired, openIam, parseConfiguration, serializeConfiguration,
} from '../../lib/iam/index.ts'
export { addEdgeInfoEndpoint, createEdgeDialect } from '../../lib/edge/index.ts'
export { createJwksCache } from '../../lib/jwt/index.ts'
export { DeviceConnectionTimeout, PerfectNegotiation, SignalingEventHandler } from '../../lib/webrtc/index.ts'
