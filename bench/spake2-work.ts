// One login by password, client and device together, and the bare point arithmetic that it cannot do without.
import { encodeUtf8, equalBytes } from '../lib/bytes/index.ts'
import { edgeKeys, sha256, startSpake2 } from '../lib/crypto/index.ts'
import { ORDER } from '../lib/crypto/p256-field.ts'
import type { Random } from '../lib/runtime/index.ts'
import { nobleP256 } from '../test/lib/crypto/noble-p256.ts'

/** Makes whole logins: both shares, both transcripts, all keys, as client and device do. */
export function logins(random: Random, tableWindow: number): () => void {
  const [client, device] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const password = encodeUtf8('correct horse battery staple')
  return () => {
    const host = { random, tableWindow }
    const a = startSpake2('A', sha256(password), host)
    const b = startSpake2('B', sha256(password), host)
    const { confirmA } = edgeKeys(a.transcript(b.share, client, device), 'minimal')
    const transcript = b.transcript(a.share, client, device)
    const either = (['minimal', 'full'] as const).map((encoding) => edgeKeys(transcript, encoding).confirmA)
    if (!either.some((confirmation) => equalBytes(confirmation, confirmA))) throw new Error('the two sides differ')
  }
}

/** The multiplications of @noble/curves in one login, with its tables as it makes them by itself: G alone has one. */
export function multiplications(random: Random, tableWindow: number): () => void {
  const { Point } = nobleP256(random, tableWindow)
  const other = Point.BASE.multiply(12345n)
  const scalar = ORDER / 3n
  return () => {
    for (let side = 0; side < 2; side++) {
      Point.BASE.multiply(scalar)
      for (let masked = 0; masked < 3; masked++) other.multiply(scalar)
    }
  }
}
