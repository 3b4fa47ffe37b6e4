// A program ends by itself, whatever its peers made and when they closed it.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import tap from 'tap'

tap.setTimeout(120_000)

const program = fileURLToPath(new URL('./support/ending-peers.js', import.meta.url))

const scenes: [scene: string, what: string, seen: string][] = [
  ['channel', 'a data channel that its peer closed before it was heard of', 'connecting, close'],
  ['connection', 'a data channel whose connection the peer closed before it was heard of', 'connecting, close'],
  ['picture', 'a picture that the peer closed with the connection', 'closed'],
  ['track', 'room of the peer for a picture that is not there', 'sendonly, sendonly'],
]

for (const [scene, what, seen] of scenes) {
  void tap.test(what, async (t) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, scene], { timeout: 20_000, killSignal: 'SIGKILL' })
    t.equal(stdout.trim(), seen)
  })
}
