import { concatBytes, decodeHex } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import type { Random } from '../runtime/index.ts'
import { drawP256Scalar, type P256Point, type P256Points, p256With, readPoint, writePoint } from './p256.ts'
import { isOnP256, numberOf, ORDER } from './p256-field.ts'

// Points whose discrete logarithms nobody knows (RFC 9382 §6), uncompressed.
const M = '04886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f5ff355163e43ce224e0b0e65ff02ac8e5c7be09419c785e0ca547d55a12e2d20'
const N = '04d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b4907d60aa6bfade45008a636337f5168c64d9bd36034808cd564490b1e656edbe7'

/** A masks with M, B with N. At protocol/iam.md §6 the client is A and the device is B. */
export type Spake2Role = 'A' | 'B'

/** What both sides have when they know the same password, and what a profile makes its keys of. */
export interface Spake2Transcript {
  readonly identityA: Uint8Array
  readonly identityB: Uint8Array
  /** Points, 65 bytes, uncompressed. */
  readonly shareA: Uint8Array
  readonly shareB: Uint8Array
  readonly k: Uint8Array
  /** 32 bytes, as given, not reduced. */
  readonly w: Uint8Array
}

/** What a transcript profile gives: one key, and what each side shows the other to prove that it has it. */
export interface Spake2Keys {
  readonly key: Uint8Array
  readonly confirmA: Uint8Array
  readonly confirmB: Uint8Array
}

export interface Spake2Host {
  /** Gives the scalar, and blinds every multiplication. */
  random: Random
  /** See `DEFAULT_TABLE_WINDOW`. A larger one costs three tables, kept for the life of the source. */
  tableWindow?: number
}

/** One side of one exchange (RFC 9382 §3.3). Its scalar is used once and cannot be read. */
export interface Spake2Side {
  /** What goes to the other side, 65 bytes. */
  readonly share: Uint8Array
  /**
   * Takes the other side's share.
   * @throws {LenskeyError} `ERR_SPAKE2_SHARE` when it is no point of the curve. Also when what is left of it without the
   * mask is the identity: then the other side has guessed the password and sent its mask alone, so that whoever answers
   * this at once, or free of charge, has told whether the guess is right.
   */
  transcript(peerShare: Uint8Array, identityA: Uint8Array, identityB: Uint8Array): Spake2Transcript
}

/**
 * Starts SPAKE2 on P-256 (RFC 9382). Two multiplications now, two for the transcript, each of them constant in its
 * sequence of operations and blinded.
 * @param w - 32 bytes made of the password; taken modulo the order for the arithmetic
 * @throws {RangeError} `w` has another length or is a multiple of the order
 * @throws {LenskeyError} `ERR_RANDOM` when the source does not work
 */
export function startSpake2(role: Spake2Role, w: Uint8Array, { random, tableWindow }: Spake2Host): Spake2Side {
  const { Point } = p256With(random, tableWindow)
  const masks = masksOf(Point, tableWindow)
  const mask = scalarOf(w)
  const secret = numberOf(drawP256Scalar(random))
  const [own, theirs] = role === 'A' ? [masks.m, masks.n] : [masks.n, masks.m]
  const share = writePoint(Point.BASE.multiply(secret).add(own.multiply(mask)))
  return {
    share,
    transcript(peerShare, identityA, identityB) {
      if (!isOnP256(peerShare)) throw new LenskeyError('ERR_SPAKE2_SHARE', 'the other side sent no point of the curve')
      const unmasked = readPoint(Point, peerShare).subtract(theirs.multiply(mask))
      if (unmasked.is0()) throw new LenskeyError('ERR_SPAKE2_SHARE', 'the other side sent nothing but its mask')
      const k = writePoint(unmasked.multiply(secret))
      const [shareA, shareB] = role === 'A' ? [share, peerShare] : [peerShare, share]
      return { identityA, identityB, shareA, shareB, k, w }
    },
  }
}

/** Fields of a transcript, each behind its length. */
export function lengthPrefixed(fields: readonly Uint8Array[], lengthOf: (bytes: number) => Uint8Array): Uint8Array {
  return concatBytes(...fields.flatMap((field) => [lengthOf(field.length), field]))
}

interface Masks {
  readonly m: P256Point
  readonly n: P256Point
}

const knownMasks = /* @__PURE__ */ new WeakMap<P256Points, Masks>()

function masksOf(Point: P256Points, tableWindow = 1): Masks {
  let masks = knownMasks.get(Point)
  if (masks === undefined) {
    const point = (digits: string): P256Point => readPoint(Point, decodeHex(digits)).precompute(tableWindow)
    knownMasks.set(Point, (masks = { m: point(M), n: point(N) }))
  }
  return masks
}

function scalarOf(w: Uint8Array): bigint {
  if (w.length !== 32) throw new RangeError('w has 32 bytes')
  const scalar = numberOf(w) % ORDER
  if (scalar === 0n) throw new RangeError('w is a multiple of the order of the curve')
  return scalar
}
