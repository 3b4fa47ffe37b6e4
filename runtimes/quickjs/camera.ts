// A whole camera for a bare engine, in one file: what device.ts has, sessions with viewers, and the guard that decides who
// may have one. The firmware brings the host, a WebRTC engine (lib/webrtc, `PeerConnection`) and storage (lib/runtime).
export * from './device.ts'
export { generatePrivateKey, parsePublicKey, privateKeyToPem } from '../../lib/crypto/index.ts'
export { createCamera, createCameraGuard, whileAllowed } from '../../lib/device/index.ts'
export {
  defaultConfiguration, generatePassword, generateServerConnectToken, IamError, isPaired, openIam, parseConfiguration, serializeConfiguration,
} from '../../lib/iam/index.ts'
export { DeviceConnectionTimeout, PerfectNegotiation, SignalingEventHandler } from '../../lib/webrtc/index.ts'
