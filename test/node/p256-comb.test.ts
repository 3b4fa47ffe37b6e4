// The comb (lib/crypto/p256-comb.ts) beside what it stands in for: @noble/curves and OpenSSL. P256_SCALARS=1000000
// P256_SIGNATURES=10000 make it that many.
import { createPublicKey, verify } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { p256 } from '@noble/curves/nist.js'
import { build } from 'esbuild'
import tap from 'tap'
import type * as Comb from '../../lib/crypto/p256-comb.ts'
import { multiplyByComb, p256Base } from '../../lib/crypto/p256-comb.ts'
import { COMB_TABLE } from '../../lib/crypto/p256-comb-table.ts'
import { bytesOf, numberOf } from '../../lib/crypto/p256-field.ts'
import { signP256 } from '../../lib/crypto/p256-sign.ts'
import { combTableSource } from '../../tools/p256-comb-table.mjs'
import { combEdgeScalars } from '../lib/crypto/comb-scalars.ts'
import { systemRandom } from './support/openssl.ts'

const SCALARS = Number(process.env.P256_SCALARS ?? 10_000)
const SIGNATURES = Number(process.env.P256_SIGNATURES ?? 200)
const RUN = 100
tap.setTimeout(60_000 + SCALARS * 20 + SIGNATURES * 200)

const { BASE, Fn } = p256.Point
BASE.precompute(8)
const randomScalar = (): bigint => Fn.fromBytes(p256.utils.randomSecretKey())

void tap.test('the table is what its tool makes', (t) => {
  t.equal(readFileSync('lib/crypto/p256-comb-table.ts', 'utf8'), combTableSource())
  t.end()
})

void tap.test(`${SCALARS} random scalars: the points of noble`, (t) => {
  const wrong: string[] = []
  // Random progressions: so noble has an addition to make for each, and the time is the comb's.
  for (let done = 0; done < SCALARS; done += RUN) {
    const [first, step] = [randomScalar(), randomScalar()]
    const between = BASE.multiply(step)
    let [k, point] = [first, BASE.multiply(first)]
    for (let at = 0; at < RUN; at++) {
      if (!point.equals(p256.Point.fromAffine(multiplyByComb(k, systemRandom)))) wrong.push(k.toString(16))
      k = Fn.add(k, step)
      point = point.add(between)
    }
  }
  t.same(wrong, [], 'none differs')
  t.end()
})

void tap.test(`${SIGNATURES} random keys and messages, and edge scalars: the very bytes that noble signs, and OpenSSL verifies`, (t) => {
  const comb = p256Base(systemRandom)
  const edges = combEdgeScalars().map(bytesOf)
  const wrong: string[] = []
  for (let round = 0; round < SIGNATURES + edges.length; round++) {
    const d = edges[round] ?? p256.utils.randomSecretKey()
    const message = systemRandom.bytes(round % 300)
    const signature = signP256(comb, message, d)
    const { x, y } = comb.multiply(numberOf(d))
    const [jwkX, jwkY] = [x, y].map((coordinate) => Buffer.from(bytesOf(coordinate)).toString('base64url'))
    const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: jwkX, y: jwkY }, format: 'jwk' })
    const good = verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature) &&
      Buffer.from(p256.sign(message, d, { lowS: false })).equals(signature)
    if (!good) wrong.push(`${Buffer.from(d).toString('hex')} ${Buffer.from(message).toString('hex')}`)
  }
  t.same(wrong, [], 'none differs')
  t.end()
})

void tap.test('a table damaged in memory gives an error and no signature', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lenskey-comb-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const at of [0, 500, 1000, COMB_TABLE.length - 2]) {
    const damaged = `${COMB_TABLE.slice(0, at)}${COMB_TABLE[at] === 'a' ? 'b' : 'a'}${COMB_TABLE.slice(at + 1)}`
    const outfile = join(folder, `damaged-${at}.mjs`)
    await build({
      entryPoints: [resolve('lib/crypto/p256-comb.ts')], outfile, bundle: true, format: 'esm', platform: 'node', logLevel: 'warning',
      plugins: [{
        name: 'damage',
        setup(building) {
          building.onLoad({ filter: /p256-comb-table\.ts$/ }, () => ({ contents: `export const COMB_TABLE = '${damaged}'` }))
        },
      }],
    })
    const { p256Base: damagedBase } = await import(pathToFileURL(outfile).href) as typeof Comb
    let refused = 0
    for (let round = 0; round < 50; round++) {
      const d = p256.utils.randomSecretKey()
      const wanted = BASE.multiply(Fn.fromBytes(d)).toAffine()
      try {
        t.same(damagedBase(systemRandom).multiply(numberOf(d)), wanted, 'the damaged entry was not in it')
      } catch (thrown) {
        t.match(thrown, { message: /damaged/ })
        refused++
      }
    }
    t.ok(refused > 0, `character ${at}: ${refused} of 50 refused`)
  }
})
