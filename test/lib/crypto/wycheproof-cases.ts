import { decodeHex, equalBytes } from '../../../lib/bytes/index.ts'
import { createVerifier, ecdsaSignatureFromDer, hmacSha256, parsePublicKey } from '../../../lib/crypto/index.ts'
import type { NativeCrypto } from '../../../lib/runtime/index.ts'
import derFile from '../../vectors/wycheproof/ecdsa_secp256r1_sha256_test.json' with { type: 'json' }
import p1363File from '../../vectors/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json' with { type: 'json' }
import hmacFile from '../../vectors/wycheproof/hmac_sha256_test.json' with { type: 'json' }

/** One case, its own answer and ours. */
export interface Verdict {
  name: string
  wanted: boolean
  found: boolean
}

interface Case { tcId: number; comment: string; result: string }

const verdict = ({ tcId, comment, result }: Case, found: boolean): Verdict => ({ name: `${tcId} ${comment}`, wanted: result === 'valid', found })

function fromDer(signature: Uint8Array): Uint8Array | undefined {
  try {
    return ecdsaSignatureFromDer(signature)
  } catch {
    return undefined
  }
}

/** All 262 and 484 ECDSA cases; the key is read from its PEM, DER and raw form in turn. */
export async function ecdsaVerdicts(nativeCrypto?: NativeCrypto): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const { file, read } of [{ file: p1363File, read: (raw: Uint8Array) => raw }, { file: derFile, read: fromDer }]) {
    for (const [index, { publicKey, publicKeyPem, publicKeyDer, tests }] of file.testGroups.entries()) {
      const forms = [publicKeyPem, decodeHex(publicKeyDer), decodeHex(publicKey.uncompressed)]
      const verifier = createVerifier(parsePublicKey(forms[index % 3]), { nativeCrypto })
      for (const one of tests) {
        const signature = read(decodeHex(one.sig))
        verdicts.push(verdict(one, signature !== undefined && (await verifier.verify(decodeHex(one.msg), signature))))
      }
    }
  }
  return verdicts
}

/** All 174 HMAC cases, truncated tags included. */
export function hmacVerdicts(nativeCrypto?: NativeCrypto): Verdict[] {
  return hmacFile.testGroups.flatMap(({ tagSize, tests }) => (tests as (Case & { key: string; msg: string; tag: string })[]).map((one) => {
    const tag = hmacSha256(decodeHex(one.key), decodeHex(one.msg), nativeCrypto).subarray(0, tagSize / 8)
    return verdict(one, equalBytes(tag, decodeHex(one.tag)))
  }))
}
