// What the C host for boards does with memory: the cap, and nothing that leaks.
import { readFileSync } from 'node:fs'
import tap from 'tap'
import { startProgram } from './support/board.ts'
import { probe, programOf, skip, web } from './support/board-host.ts'
import { temporaryFolder } from './support/service.ts'
import { makeAuthority, tlsFront } from './support/tls-front.ts'

void tap.test('the heap cap is kept, whatever the program catches; exit codes tell', { timeout: 60_000, skip }, async (t) => {
  for (const name of ['mbedtls', 'sanitized']) {
    for (const how of ['objects', 'strings', 'buffers', 'async calls', 'closures', 'parsed']) {
      const { code, errors, lines } = await probe(name, 'fill', '2000000', how)
      t.equal(code, 75, how)
      t.match(errors, /the heap cap of 2000000 bytes is reached/)
      t.same(lines, [], 'the program is told nothing: it may go on with half a state, and the engine itself may break')
    }
    t.match(await probe(name, 'cycles'), { code: 0, lines: ['survived'] }, 'garbage in cycles is collected before the cap')
  }
  t.match(await probe('mbedtls', 'throw'), { code: 70, errors: /broken on purpose/ })
  t.match(await probe('mbedtls', 'reject'), { code: 70, errors: /rejected on purpose/ })
})

/** `LENSKEY_RECONNECTS=10000` is the long run. */
const reconnects = Number(process.env.LENSKEY_RECONNECTS ?? 300)

void tap.test('reconnecting leaks nothing', { timeout: 170_000 + reconnects * 100, skip }, async (t) => {
  const authority = makeAuthority(temporaryFolder(t))
  const port = await web(t)
  const front = await tlsFront(t, authority.issue('good'), port)
  for (const name of ['mbedtls', 'sanitized']) {
    const count = name === 'sanitized' ? Math.min(reconnects, 300) : reconnects
    const program = startProgram(t, [programOf(`probe-${name}`), 'reconnect', authority.caFile, `https://localhost:${front.port}/`, `wss://localhost:${front.port}/`, String(count)])
    const { pid = 0 } = program.child
    const rssKb = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    const third = Math.floor(count / 10) * 3
    await program.says(`"round":${third},`, 100_000 + count * 100)
    const before = rssKb()
    await program.says('done', 100_000 + count * 100)
    const after = rssKb()
    t.notMatch(program.output, /"answer"/, 'every one of them worked')
    const heaps = [...program.output.matchAll(/"heap":(\d+)/g)].map((match) => Number(match[1]))
    t.comment(`${name}: ${count} times HTTP and WebSocket over TLS: RSS ${before} kB, then ${after} kB; heap ${heaps.join(' ')}`)
    // Between two collections of cycles it goes up and down.
    t.ok(Math.max(...heaps.slice(5)) <= 1.5 * Math.max(...heaps.slice(0, 5)), 'the heap does not grow')
    // The sanitizer keeps what was freed for a while.
    if (name === 'mbedtls') t.ok(after <= before + 100, `RSS does not grow: ${before} to ${after} kB`)
    t.equal(await program.stop(), 0)
    t.equal(program.errors, '', 'and a sanitizer has nothing to say at the end')
  }
})
