// The C host for boards under valgrind: connections that come and go, and those that never come about, leave nothing behind.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import tap, { type Test } from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { type RunningProgram, startProgram } from './support/board.ts'
import { listening, middle, programOf, skip as skipHost, web } from './support/board-host.ts'
import { temporaryFolder } from './support/service.ts'
import { makeAuthority, tlsFront } from './support/tls-front.ts'

const skip = skipHost || skipWithout('valgrind')
/** HTTPS and WSS each, so twice as many connections. */
const ROUNDS = 25

/** Faults of memory end it with 99 as well. What a look-up's own process leaves goes with that process. */
function startWatched(t: Test, ...args: string[]): RunningProgram {
  const valgrind = ['valgrind', '--leak-check=full', '--errors-for-leak-kinds=definite,indirect', '--error-exitcode=99', '--child-silent-after-fork=yes', '--num-callers=30']
  return startProgram(t, [...valgrind, programOf('probe-watched'), ...args])
}

function nothingLost(t: Test, { errors }: RunningProgram): void {
  t.match(errors, /HEAP SUMMARY/, 'valgrind has looked')
  t.match(errors, /ERROR SUMMARY: 0 errors/)
  for (const kind of ['definitely', 'indirectly']) {
    const found = new RegExp(`${kind} lost: ([\\d,]+) bytes`).exec(errors)?.[1] ?? (errors.includes('no leaks are possible') ? '0' : 'not said')
    t.equal(found, '0', `${kind} lost`)
  }
  t.comment(/total heap usage: .*/.exec(errors)?.[0])
}

void tap.test('valgrind counts what is lost', { timeout: 60_000, skip }, async (t) => {
  // So that the silence of the other tests means something.
  const { stderr } = await promisify(execFile)('valgrind', ['--leak-check=full', programOf('probe-watched'), 'timers', '0'])
  t.ok(Number(/total heap usage: ([\d,]+) allocs/.exec(stderr)?.[1].replaceAll(',', '')) > 1000, 'it sees the host’s allocations')
})

void tap.test('connections that come and go leave nothing', { timeout: 150_000, skip }, async (t) => {
  const authority = makeAuthority(temporaryFolder(t))
  const front = await tlsFront(t, authority.issue('good'), await web(t))
  const program = startWatched(t, 'reconnect', authority.caFile, `https://localhost:${front.port}/`, `wss://127.0.0.1:${front.port}/`, String(ROUNDS))
  await program.says('done', 140_000)
  t.notMatch(program.output, /"answer"/, 'every one of them worked')
  t.equal(front.names.length, 2 * ROUNDS)
  t.equal(await program.stop(), 0, program.errors)
  nothingLost(t, program)
})

void tap.test('connections that fail leave nothing', { timeout: 150_000, skip }, async (t) => {
  const folder = temporaryFolder(t)
  const authority = makeAuthority(folder)
  const port = await web(t)
  const good = await tlsFront(t, authority.issue('good'), port)
  const other = await tlsFront(t, authority.issue('other', { names: 'DNS:other.test' }), port)
  const stranger = await tlsFront(t, makeAuthority(folder, 'stranger').issue('leaf'), port)
  const garbage = await listening(t, createServer((socket) => socket.end(randomBytes(2000))))
  const closed = await listening(t, createServer((socket) => socket.destroy()))
  const cuts = await Promise.all([1, 50, 500, 900].map((cutAfter) => middle(t, good.port, { cutAfter })))
  const ports = [other.port, stranger.port, port, garbage, closed, ...cuts]
  const urls = ports.flatMap((each) => [`https://localhost:${each}/`, `https://127.0.0.1:${each}/`])
  const program = startWatched(t, 'get', authority.caFile, ...urls, `https://localhost:${good.port}/`)
  t.equal(await program.ended, 0, program.errors)
  const lines = program.output.trim().split('\n').map((line) => JSON.parse(line) as { status?: number; code?: string })
  t.same(lines.map(({ status, code }) => status ?? code), [...urls.map(() => 'ERR_HTTP_UNREACHABLE'), 200])
  nothingLost(t, program)
})
