// A whole camera for a bare engine, in one file: what device.ts has, and sessions with viewers. The firmware brings the
// host and a WebRTC engine (lib/webrtc, `PeerConnection`).
export * from './device.ts'
export { generatePrivateKey, privateKeyToPem } from '../../lib/crypto/index.ts'
export { createCamera } from '../../lib/device/index.ts'
export { DeviceConnectionTimeout, PerfectNegotiation, SignalingEventHandler } from '../../lib/webrtc/index.ts'
