// The build refuses imports against the house rules (docs/design.md).
import tap from 'tap'
import { brokenRule, checkImports } from '../../tools/import-rules.mjs'

void tap.test('forbidden edges are named, allowed ones are not', (t) => {
  const forbidden = [
    ['lib/bytes/hex.ts', 'lib/jwt/sign.ts', 'not below'],
    ['lib/bytes/hex.ts', 'lib/runtime/clock.ts', 'not below'],
    ['lib/signaling/device.ts', 'lib/device/camera.ts', 'not below'],
    ['lib/device/camera.ts', 'lib/cloud/relay.ts', 'not below'],
    ['lib/jwt/sign.ts', 'runtimes/node/host.ts', 'host as an argument'],
    ['lib/jwt/sign.ts', 'node:crypto', 'no Node'],
    ['lib/jwt/sign.ts', 'node_modules/jose/dist/index.js', 'not a package'],
    ['lib/jwt/sign.ts', 'jose', 'not a package'],
    ['lib/new/thing.ts', 'lib/bytes/hex.ts', 'no floor'],
    ['lib/jwt/sign.ts', 'lib/new/thing.ts', 'no floor'],
  ]
  for (const [from, to, why] of forbidden) t.match(brokenRule(from, to), why, `${from} -> ${to}`)
  const allowed = [
    ['lib/jwt/sign.ts', 'lib/bytes/hex.ts'], ['lib/jwt/sign.ts', 'lib/jwt/compact.ts'], ['lib/crypto/p256.ts', 'node_modules/@noble/curves/nist.js'],
    ['lib/crypto/p256.ts', '@noble/curves/nist.js'], ['runtimes/node/host.ts', 'node:crypto'], ['runtimes/node/host.ts', 'lib/device/camera.ts'],
  ]
  for (const [from, to] of allowed) t.equal(brokenRule(from, to), undefined, `${from} -> ${to}`)
  t.end()
})

void tap.test('a metafile with a forbidden edge fails the build, and this tree has none', (t) => {
  t.throws(() => { checkImports([{ inputs: { 'lib/jwt/sign.ts': { imports: [{ path: 'node:fs' }] } } }]) }, { message: /lib\/jwt\/sign\.ts imports node:fs/ })
  t.doesNotThrow(() => { checkImports([]) })
  t.end()
})
