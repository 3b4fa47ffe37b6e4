import { concatBytes, decodeHex, encodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { edgeKeys, rfc9382Keys, sha256, type Spake2Transcript, startSpake2 } from '../../../lib/crypto/index.ts'
import { p256With, readPoint, writePoint } from '../../../lib/crypto/p256.ts'
import { numberOf, ORDER } from '../../../lib/crypto/p256-field.ts'
import type { Random } from '../../../lib/runtime/index.ts'
import edge from '../../vectors/spake2/edge_profile_own.json' with { type: 'json' }
import rfc from '../../vectors/spake2/rfc9382_p256_sha256_hkdf_hmac.json' with { type: 'json' }
import { test } from '../../suite.ts'
import { uncompressed } from './noble-p256.ts'
import { seededRandom } from './seeded-random.ts'

/** Draws of 32 bytes are the scalar; blinding draws have other lengths. */
function scalarSource(scalar: string): Random {
  const blinding = seededRandom(1)
  return { bytes: (length) => (length === 32 ? decodeHex(scalar) : blinding.bytes(length)) }
}

const none = new Uint8Array(0)

test('spake2: RFC 9382 Appendix B, both roles, to the last confirmation', (t) => {
  for (const { name, A, B, w, x, y, pA, pB, K, hashTT, Ke, confirmA, confirmB } of rfc.vectors) {
    const a = startSpake2('A', decodeHex(w), { random: scalarSource(x) })
    const b = startSpake2('B', decodeHex(w), { random: scalarSource(y) })
    t.equal(encodeHex(a.share), pA, `${name}, pA`)
    t.equal(encodeHex(b.share), pB, `${name}, pB`)
    for (const transcript of [
      a.transcript(b.share, encodeUtf8(A), encodeUtf8(B)), b.transcript(a.share, encodeUtf8(A), encodeUtf8(B)),
    ]) {
      t.equal(encodeHex(transcript.k), K, `${name}, K`)
      const keys = rfc9382Keys(transcript, encodeUtf8(rfc.aad))
      t.equal(encodeHex(keys.key), Ke, `${name}, Ke`)
      t.ok(hashTT.startsWith(Ke), 'Ke is the first half of the hash')
      t.equal(encodeHex(keys.confirmA), confirmA, `${name}, confirmA`)
      t.equal(encodeHex(keys.confirmB), confirmB, `${name}, confirmB`)
      t.ok(encodeHex(rfc9382Keys(transcript, encodeUtf8('else')).confirmA) !== confirmA, 'associated data counts')
    }
  }
})

test('spake2: own vectors of the profile of passwords, both roles, both encodings of w', (t) => {
  for (const vector of edge.vectors) {
    const w = sha256(encodeUtf8(vector.password))
    t.equal(encodeHex(w), vector.w)
    const [client, device] = [decodeHex(vector.clientFingerprint), decodeHex(vector.deviceFingerprint)]
    const a = startSpake2('A', w, { random: scalarSource(vector.x) })
    const b = startSpake2('B', w, { random: scalarSource(vector.y) })
    t.equal(encodeHex(a.share), vector.T)
    t.equal(encodeHex(b.share), vector.S)
    for (const transcript of [a.transcript(b.share, client, device), b.transcript(a.share, client, device)]) {
      t.equal(encodeHex(transcript.k), vector.K)
      const full = edgeKeys(transcript, 'full')
      t.same([full.key, full.confirmA, full.confirmB].map(encodeHex), [vector.key, vector.clientConfirm, vector.deviceConfirm])
      const minimal = edgeKeys(transcript, 'minimal')
      const wanted = vector.wStripped ?? vector
      t.same([minimal.key, minimal.confirmA, minimal.confirmB].map(encodeHex), [wanted.key, wanted.clientConfirm, wanted.deviceConfirm])
    }
  }
})

// protocol/iam.md §6.6.
const clientFingerprint = decodeHex('cff2f65cd103488b8cb2b93e838acc0f719d6deae37f8a4b74fa825244d28af8')
const deviceFingerprint = decodeHex('73e53042551c128a492cfd910b9ba67fffd2cab6c023b50c10992289f4c23d54')
const fortyTwo = '2a'.repeat(32)

interface EdgeVector {
  name: string
  role: 'A' | 'B'
  password: string
  scalar: string
  T: string
  S: string
  K: string
  keys: Partial<Record<'minimal' | 'full', [key: string, confirmB: string, confirmA: string]>>
}

const section66: EdgeVector[] = [
  {
    name: 'V1 as client',
    role: 'A',
    password: 'FFzeqrpJTVF4',
    scalar: fortyTwo,
    T: '046730c20d896591adb0d1f67f6416576aee373384e61edbfdd9ffc2b77e0d07076e3c55b94345b1bbc6157025fd457fb6279edbdccfef19a088048a25936c763f',
    S: '04b2932562afd75be070a7ba5e621e3c7a58b25dc36b153cd288009aaf7188c5a7a828fab017afe8b67c3046386a5cad55cb92f3f8362a720c323299cda9cae6b9',
    K: '04061116c1d5064e68471cff8e0301577e49e45da26c80d598c26b00a5a1c74563dec54b731fd012b177f37fd41159e7025c5150a222faeffdbdd21afce217e98a',
    keys: {
      minimal: [
        '5c5d5041d4634b16cf7b79a701acd925be9a3e360436a5bbcb08d38ee1f76410',
        'e34cb13b905c45a464755c041822d3cde2bdcd8d458d94641692e4015847474e',
        '20c8bdda53c5a62307b5ef2958cd425da4ee71df3ac8b90c8743ede89268ef21',
      ],
    },
  },
  {
    name: 'V2 as client',
    role: 'A',
    password: 'FFzeqrpJTVF4',
    scalar: '4b9483e0d85e1f654a76f2c1d5a665870e2ed7cf6f6d737c121a85936e0ac279',
    T: '0453ed82d3c4f78d7c2bdbae2ed9e2ae5189027dd778b6f9dfad44fcc22883383ddd30047db60ea1b573c6b9e775c8365ef651954e112e91b392c5b721100066e2',
    S: '04febe61670bb3477f36b38fa3ee5454b1baf89d63c1216cbae81c7f5f377354f6df2d013368787ec16fe86cc9ee90bc4956645ee78db9e77f9c7216b218bcdf77',
    K: '04b24e742efc9b734baba01d5975924f7771cabcf4017adec2f54e90352038479142bfb93d4c901017a0c2c2aaca47ce7e1640d436ab7896615b89a1021fd7cb57',
    keys: {
      full: [
        'a16f87a014f059baf4e122756025e8b5736fb9623a954a1d1bdd30ca2b5eda0d',
        'd4d09c2763c90535e4b848af940a8fbfed3d919638b94530475fc2e86a768e2e',
        '405f894e4636af353f5748218bd52817a9edf8fbb1a0cec9a7ce705b63e82c8c',
      ],
    },
  },
  {
    name: 'V3 as device',
    role: 'B',
    password: 'FFzeqrpJTVF4',
    scalar: 'f11725c36389b959c1d45851638f3237e2b372ee86e676a1548469bae1bb7964',
    T: '041f72a1bc78cfe599bbce671dcfd43fb21a943c00615711f77c660fe2ac2fcc7ba8cc76a580381ee33422b3877bc11632e5817a9ff8d9db22469a9319dd633a82',
    S: '04fef29232db7be1dbb5675114ad84793a0c889dcf88960ae7cc28ca73bb59accd9d5f4d95d340f7650e865d01e9d5f4db7c1d6067c0473e63a0b1146cb5327fab',
    K: '048d0206d202cec52d2af797722b4f13bb863a8e5f9f801539d9aea9c581d9c8616c7153b8b98b79f9bdf2427c109a8f88194853fb20b37d30043c8d69dba44d28',
    keys: {
      minimal: [
        '60e9367e45a8b5a918b763c68201fb05e182af6e714f2f9fd0d41a34ea3f7c6f',
        '44b178a0157858d7fd21138cb485c093b354e2788b9da75591906e2c941ea93e',
        '97ba41c6c3df68db8c0ee973fd4152f48a105d1b0c8bdbe5ffc6922b021b9e0e',
      ],
    },
  },
  {
    name: 'V5, a hash that begins with a zero byte',
    role: 'B',
    password: 'test304',
    scalar: fortyTwo,
    T: '04a1955eb640399b85b477f9b8df8d97407934c4e3b9c831801e7ccb307908d491635c355d25c7cae9d6a0446b33f31ca4403b0dc6d139ff96b5481bd29fbdbcb1',
    S: '0433ec61c105752014b6bbd65fee73fd448239fea24050850e896d8fdd6ce0ed615c46716d71de1caa4f07eeb78723db07fa7ba9e161e75ec950d3b60485c24022',
    K: '04061116c1d5064e68471cff8e0301577e49e45da26c80d598c26b00a5a1c74563dec54b731fd012b177f37fd41159e7025c5150a222faeffdbdd21afce217e98a',
    keys: {
      minimal: [
        '4eab03672f2da4f752ef227c39b93b62cba56cdd216b8943ce92c185f2236e3e',
        '8b0da45a2505ebf49b48c56e8d9699f297ab6ad1e570fe6a36535fd32eba1b9a',
        '366734a8078fac813f288b677d0c97204d0659ab246d58095492f7ace862e6fb',
      ],
      full: [
        'fd0eda72e96bf082a266873e6fb203831541a3567227160d329a9d2a39219550',
        '4e025319f4482b95ac4bec9cc0422a7b573e861d2ede1e544009cc1a1a40bf49',
        '56920fa2013cbbf7831ed3847815a4d70fd7f835deba31578d0f9bcac106b61f',
      ],
    },
  },
]

test('spake2: V1, V2, V3 and V5 of protocol/iam.md §6.6', (t) => {
  for (const { name, role, password, scalar, T, S, K, keys } of section66) {
    const side = startSpake2(role, sha256(encodeUtf8(password)), { random: scalarSource(scalar) })
    t.equal(encodeHex(side.share), role === 'A' ? T : S, `${name}, share`)
    const transcript = side.transcript(decodeHex(role === 'A' ? S : T), clientFingerprint, deviceFingerprint)
    t.equal(encodeHex(transcript.k), K, `${name}, K`)
    for (const encoding of ['minimal', 'full'] as const) {
      const wanted = keys[encoding]
      if (wanted === undefined) continue
      const { key, confirmA, confirmB } = edgeKeys(transcript, encoding)
      t.same([key, confirmB, confirmA].map(encodeHex), wanted, `${name}, ${encoding}`)
    }
  }
})

test('spake2: V4 and V6 of protocol/iam.md §6.6, hashes of a key and of an integer', (t) => {
  const key = decodeHex('22d14334b2da17caa51fefdfcfe57be3c2c5667ca83d3d1ed9fe7e6de59cafae')
  const confirmB = sha256(key)
  t.equal(encodeHex(confirmB), '2256fc0f3709cf37e726d51047322b556c633cb824ad5cc0bf19004a9116b83b')
  t.equal(encodeHex(sha256(confirmB)), '77f18e15be323e2cbbf1727ecfbe4100cefb9d996fef318397c57d1e5c76f2db')
  // The key of a transcript that holds nothing but the integer 0x42, the other five fields being empty.
  const transcript: Spake2Transcript = {
    identityA: none, identityB: none, shareA: none, shareB: none, k: none, w: concatBytes(new Uint8Array(31), Uint8Array.of(0x42)),
  }
  t.equal(encodeHex(sha256(decodeHex('0000000142'))), '82b5c41f7d8c7119a279ed34f6fcf3e96abe6ee6c6902bbfcfe0663916d30300')
  t.same(edgeKeys(transcript, 'minimal').key, sha256(decodeHex('00000000'.repeat(5) + '0000000142')))
  t.same(edgeKeys(transcript, 'full').key, sha256(concatBytes(decodeHex('00000000'.repeat(5) + '00000020'), transcript.w)))
})

test('spake2: random scalars, any table window; another password or another identity gives another key', (t) => {
  const w = sha256(encodeUtf8('correct'))
  for (const tableWindow of [1, 4]) {
    const host = { random: seededRandom(tableWindow), tableWindow }
    const [a, b] = [startSpake2('A', w, host), startSpake2('B', w, host)]
    t.equal(b.share.length, 65)
    const keyOf = (transcript: Spake2Transcript): string => encodeHex(edgeKeys(transcript, 'minimal').key)
    const key = keyOf(a.transcript(b.share, clientFingerprint, deviceFingerprint))
    t.equal(keyOf(b.transcript(a.share, clientFingerprint, deviceFingerprint)), key)
    t.ok(keyOf(b.transcript(a.share, deviceFingerprint, clientFingerprint)) !== key, 'identities changed places')
    const wrong = startSpake2('A', sha256(encodeUtf8('wrong')), host)
    t.ok(keyOf(wrong.transcript(b.share, clientFingerprint, deviceFingerprint)) !== keyOf(b.transcript(wrong.share, clientFingerprint, deviceFingerprint)))
    t.ok(encodeHex(startSpake2('A', w, host).share) !== encodeHex(a.share), 'a new scalar each time')
  }
})

test('spake2: a share off the curve, of another form, or that is its mask alone is refused', (t) => {
  const w = sha256(encodeUtf8('guess'))
  const random = seededRandom(3)
  const [a, b] = [startSpake2('A', w, { random }), startSpake2('B', w, { random })]
  const off = a.share.slice()
  off[64] ^= 1
  const compressed = concatBytes(Uint8Array.of(2 | (a.share[64] & 1)), a.share.subarray(1, 33))
  const infinity = [Uint8Array.of(0), new Uint8Array(65), concatBytes(Uint8Array.of(4), new Uint8Array(64))]
  const tooLarge = concatBytes(Uint8Array.of(4), new Uint8Array(64).fill(255))
  for (const bad of [off, compressed, ...infinity, tooLarge, none, concatBytes(a.share, Uint8Array.of(0))]) {
    t.throws(() => b.transcript(bad, none, none), 'ERR_SPAKE2_SHARE', encodeHex(bad).slice(0, 8))
  }
  const { Point } = p256With(random)
  const [m, n] = [edge.M, edge.N].map((digits) => writePoint(readPoint(Point, uncompressed(digits)).multiply(numberOf(w) % ORDER)))
  t.throws(() => b.transcript(m, none, none), 'ERR_SPAKE2_SHARE', 'w·M at B')
  t.throws(() => a.transcript(n, none, none), 'ERR_SPAKE2_SHARE', 'w·N at A')
  t.equal(b.transcript(n, none, none).k.length, 65, 'the other mask is a point like any other')
})

test('spake2: w past the order counts modulo the order in the arithmetic and whole in the transcript', (t) => {
  const order = rfc.order
  const plusFive = decodeHex(order.slice(0, -2) + '56')
  const five = decodeHex('00'.repeat(31) + '05')
  const [large, small] = [plusFive, five].map((w) => startSpake2('A', w, { random: scalarSource(fortyTwo) }))
  t.same(large.share, small.share)
  const peer = startSpake2('B', five, { random: seededRandom(4) })
  t.same(large.transcript(peer.share, none, none).k, small.transcript(peer.share, none, none).k)
  t.same(large.transcript(peer.share, none, none).w, plusFive)
  for (const bad of [none, new Uint8Array(31), new Uint8Array(33), new Uint8Array(32), decodeHex(order)]) {
    t.throws(() => startSpake2('A', bad, { random: seededRandom(4) }), 'RangeError', `${bad.length} bytes`)
  }
})

test('spake2: four multiplications a side, each blinded; a source that fails is an error', (t) => {
  const w = sha256(encodeUtf8('counted'))
  const lengths: number[] = []
  const source = seededRandom(5)
  const random: Random = { bytes(length) { lengths.push(length); return source.bytes(length) } }
  const peer = startSpake2('B', w, { random: seededRandom(6) })
  startSpake2('A', w, { random })
  lengths.length = 0
  const side = startSpake2('A', w, { random })
  t.same(lengths, [32, 16, 16], 'the scalar, and a blinding factor for each of two multiplications')
  side.transcript(peer.share, none, none)
  t.same(lengths, [32, 16, 16, 16, 16])
  const broken = { bytes: (): Uint8Array => { throw new Error('no entropy yet') } }
  t.throws(() => startSpake2('A', w, { random: broken }), 'ERR_RANDOM')
  t.throws(() => startSpake2('A', w, { random: { bytes: (length) => new Uint8Array(length) } }), 'ERR_RANDOM')
})
