// The C functions that see bytes of the network, under libFuzzer and sanitizers, each with its corpus and so many inputs made from it.
// `npm run fuzz -- 180` is the long run.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import tap from 'tap'
import { ensureFuzzers, runFuzzer, seedsOf, targets } from '../../tools/fuzz.mjs'
import { libFuzzer, skipWithout } from '../../tools/requirements.mjs'
import { skipGstreamer } from './support/gstreamer-engine.ts'

tap.setTimeout(170_000)

const missing = {
  engine: skipGstreamer,
  mbedtls: () => !existsSync('build/board/mbedtls') && 'run `node build-board.mjs` first, which fetches Mbed TLS',
  openssl: () => skipWithout('/usr/include/openssl/ssl.h'),
}

for (const [name, { parts, runs }] of Object.entries(targets)) {
  const skip = skipWithout('clang') || skipWithout(libFuzzer) || missing[parts]()
  void tap.test(name, { skip, timeout: 170_000 }, async (t) => {
    await ensureFuzzers([name])
    const { inputs, edges } = await runFuzzer(name)
    const seeds = readdirSync(seedsOf(name)).length
    t.comment(`${inputs} inputs, ${edges} edges`)
    t.ok(seeds > 0 && inputs >= runs + seeds, `${inputs} inputs, from ${seeds} seeds`)
    // Of OpenSSL, the system's, none are counted.
    t.ok(edges > (parts === 'openssl' ? 25 : 50), 'the seeds reach the code')
    if (name !== 'tls-client') return
    for (const seed of ['tls12-ec', 'tls12-rsa', 'tls13-ec', 'tls13-rsa']) {
      const { stdout } = await promisify(execFile)(`build/fuzz/${name}`, [`test/fuzz/corpus/${name}/${seed}`], { env: { ...process.env, LENSKEY_TELL: '1' } })
      t.match(stdout, 'all the way', `${seed}: what a real server said goes all the way; if not, record it anew (test/fuzz/record-tls.mjs)`)
    }
  })
}
