export { deviceKeyId, fingerprintOf, productKeyId } from './fingerprint.ts'
export { createP256Comb } from './p256-comb.ts'
export { generatePrivateKey, type KeyHost, type P256PrivateKey, parsePrivateKey, privateKeyToPem } from './private-key.ts'
export {
  type EcJwk, encodeSpki, type P256PublicKey, parsePublicJwk, parsePublicKey, publicKeyToJwk, publicKeyToPem, type UncheckedJwk,
} from './public-key.ts'
export { hmacSha256, sha256 } from './sha256.ts'
export {
  createCallbackSigner, createSigner, createVerifier, ecdsaSignatureFromDer, type Signer, type SignerHost, type Verifier,
} from './signer.ts'
export { type Spake2Host, type Spake2Keys, type Spake2Role, type Spake2Side, type Spake2Transcript, startSpake2 } from './spake2.ts'
export { edgeKeys, type EdgeW } from './spake2-edge.ts'
export {
  createRsaVerifier, MAX_RSA_BITS, MIN_RSA_BITS, parseRsaPublicKey, type RsaPublicKey, type RsaVerifier,
} from './rsa-verify.ts'
export { rfc9382Keys } from './spake2-rfc9382.ts'
