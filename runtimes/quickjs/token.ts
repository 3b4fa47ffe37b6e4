// Everything it takes to make device tokens on a bare engine, in one file. The host is the caller's: a clock and a source
// of random bytes.
export { createSigner, parsePrivateKey } from '../../lib/crypto/index.ts'
export { DeviceTokenGenerator } from '../../lib/device/token-generator.ts'
