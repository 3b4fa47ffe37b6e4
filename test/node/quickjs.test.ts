import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { importSPKI, jwtVerify } from 'jose'
import tap from 'tap'
import { ensureQuickjs } from '../../tools/quickjs.mjs'
import { skipWithout } from '../../tools/requirements.mjs'
import { openssl, opensslKeys } from './support/openssl.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'lenskey-quickjs-'))
tap.teardown(() => rmSync(folder, { recursive: true }))
const skip = skipWithout('gcc')

/** What firmware adds to the bundle: a key, a clock and a source of random bytes. */
const program = (pem: string): string => `
import { DeviceTokenGenerator } from './lenskey-token.quickjs.js'
let state = ${process.hrtime()[1]}
const random = { bytes: (length) => Uint8Array.from({ length }, () => (state = (state * 1103515245 + 12345) >>> 0) >>> 24) }
const generator = new DeviceTokenGenerator('wp-1', 'wd-1', ${JSON.stringify(pem)}, { clock: { nowMs: () => Date.now() }, random })
generator.generateToken().then((token) => print(token))
`

void tap.test('the token bundle makes tokens on QuickJS 2021-03-27 that jose verifies', { skip }, async (t) => {
  t.setTimeout(180_000) // The engine is compiled when it is not there yet.
  const qjs = await ensureQuickjs()
  copyFileSync('dist/lenskey-token.quickjs.js', join(folder, 'lenskey-token.quickjs.js'))
  const { forms, publicPem } = opensslKeys(folder)
  const publicKey = await importSPKI(publicPem, 'ES256')
  for (const [form, pem] of Object.entries(forms)) {
    writeFileSync(join(folder, 'camera.js'), program(pem))
    const { stdout } = await run(qjs, [join(folder, 'camera.js')])
    const { payload } = await jwtVerify(stdout.trim(), publicKey, { algorithms: ['ES256'] })
    t.equal(payload.resource, 'urn:nabto:webrtc:wp-1:wd-1', form)
  }
})

void tap.test('an error on QuickJS keeps its code and its advice in the minified bundle', { skip }, async (t) => {
  const qjs = await ensureQuickjs()
  writeFileSync(join(folder, 'locked.js'), program(openssl(folder, 'ec', '-in', 'key.pem', '-aes128', '-passout', 'pass:secret').toString())
    .replace('print(token))', 'print(token), (error) => print(error.name, error.code, error.message))'))
  t.match((await run(qjs, [join(folder, 'locked.js')])).stdout, /^LenskeyError ERR_KEY_ENCRYPTED .*openssl pkey/)
})

void tap.test('QuickJS keeps no text of the functions of a bundle in memory', { skip }, async (t) => {
  const qjs = await ensureQuickjs()
  const [library, own] = ["import { createSigner } from './lenskey-token.quickjs.js'; print(createSigner.toString())", 'const own = () => 1; print(own.toString())']
  for (const [source, shown] of [[library, /native code/], [own, /=> 1/]] as const) {
    writeFileSync(join(folder, 'text.js'), source)
    t.match((await run(qjs, [join(folder, 'text.js')])).stdout, shown)
  }
})

void tap.test('the bare host fails when its module fails', { skip }, async (t) => {
  const qjs = await ensureQuickjs()
  for (const source of ['throw new Error("broken")', 'Promise.reject(new Error("broken"))', 'import "./none.js"', 'a syntax error', 'setTimeout(() => 0)']) {
    writeFileSync(join(folder, 'bad.js'), source)
    await t.rejects(run(qjs, [join(folder, 'bad.js')]), { code: 1 }, source)
  }
})
