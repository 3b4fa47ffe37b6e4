// A program ends by itself, whenever its peers close what they made.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import tap from 'tap'

tap.setTimeout(60_000)

const program = fileURLToPath(new URL('./support/closed-unheard.js', import.meta.url))

for (const closes of ['channel', 'connection']) {
  void tap.test(`closed by its peer before it was heard of: a ${closes}`, async (t) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, closes], { timeout: 20_000, killSignal: 'SIGKILL' })
    t.equal(stdout.trim(), 'connecting, close', 'it was not open any more when it came')
  })
}
