// Identity, signaling and signed transports for a bare engine, in one file. The host is the firmware's: a clock, a source
// of random bytes, HTTP and WebSockets (see lib/runtime).
export { createCallbackSigner, createSigner, fingerprintOf, parsePrivateKey } from '../../lib/crypto/index.ts'
export { createDeviceMessageTransport, createSignalingDevice, DeviceMessageTransportSecurityMode, DeviceTokenGenerator } from '../../lib/device/index.ts'
export { LenskeyError } from '../../lib/errors.ts'
export { SignalingChannelState, SignalingConnectionState, SignalingError, SignalingErrorCodes } from '../../lib/signaling/index.ts'
