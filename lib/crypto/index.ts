export { deviceKeyId, fingerprintOf, productKeyId } from './fingerprint.ts'
export { generatePrivateKey, type KeyHost, type P256PrivateKey, parsePrivateKey, privateKeyToPem } from './private-key.ts'
export {
  type EcJwk, encodeSpki, type P256PublicKey, parsePublicKey, publicKeyToJwk, publicKeyToPem, type UncheckedJwk,
} from './public-key.ts'
export { hmacSha256, sha256 } from './sha256.ts'
export {
  createCallbackSigner, createSigner, createVerifier, ecdsaSignatureFromDer, type Signer, type SignerHost, type Verifier,
} from './signer.ts'
