// lenskey-bench in its three forms, and what sets their reports side by side.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import tap from 'tap'
import { repeatWork } from '../../runtimes/bench/report.ts'
import { benchWorks } from '../../runtimes/bench/works.ts'
import { nodeRandom } from '../../runtimes/node/host.ts'
import { ensureQuickjs } from '../../tools/quickjs.mjs'
import { skipWithout } from '../../tools/requirements.mjs'
import { temporaryFolder } from './support/service.ts'

const run = promisify(execFile)
const board = 'dist/quickjs/lenskey-camera-x86_64'

interface Report { engine: string; crypto: string | null; cpu: string; emulated: boolean; label: string | null; rows: { row: string; value: number; unit: string }[] }

async function bench(command: string, ...args: string[]): Promise<{ text: string; report: Report }> {
  const { stdout } = await run(command, args, { maxBuffer: 1 << 20 })
  const line = stdout.split('\n').find((candidate) => candidate.startsWith('{'))
  return { text: stdout, report: JSON.parse(line ?? '') as Report }
}

const everywhere = ['first token after start', 'sign', 'verify', 'SHA-256', 'CBOR encode', 'CBOR decode', 'CoAP encode', 'CoAP decode', 'signed messages', 'reconnect']

void tap.test('each form measures all of it', { timeout: 170_000, skip: skipWithout('gcc') || (!existsSync(board) && 'run `node build-board.mjs` first') }, async (t) => {
  const folder = temporaryFolder(t)
  const found = {
    node: await bench(process.execPath, 'dist/lenskey-bench.node.mjs', '--label', 'here'),
    bare: await bench(await ensureQuickjs(), 'dist/lenskey-bench.quickjs.js', 'an engine', 'a processor'),
    board: await bench(board, '--bench', '--label', 'board'),
  }
  for (const [name, { text, report: { rows } }] of Object.entries(found)) {
    t.same(everywhere.filter((row) => !rows.some((measured) => measured.row === row)), [], `${name}: no row is missing`)
    t.ok(rows.every(({ value }) => Number.isFinite(value) && value >= 0))
    writeFileSync(join(folder, `${name}.json`), text)
  }
  t.match(found.node.report, { engine: /^Node /, label: 'here', emulated: false })
  t.match(found.bare.report, { engine: 'an engine', cpu: 'a processor', crypto: null })
  t.match(found.board.report, { engine: /^QuickJS 2021/, crypto: /^Mbed TLS 3/, label: 'board', emulated: false })
  for (const row of ['sign (host)', 'verify (host)', 'SHA-256 (host)', 'resident', 'JavaScript heap']) t.ok(found.board.report.rows.some((measured) => measured.row === row), row)

  const { stdout } = await run(process.execPath, ['bench/compare.mjs', ...['node', 'bare', 'board'].map((name) => join(folder, `${name}.json`))])
  t.match(stdout, /\| \| \| here \| bare \| board \|/)
  t.match(stdout, /\| reconnect \| per second \| [\d,.]+ \| [\d,.]+ \(× [\d.e-]+\) \| [\d,.]+ \(× [\d.e-]+\) \|/)
  writeFileSync(join(folder, 'none.json'), 'nothing')
  await t.rejects(run(process.execPath, ['bench/compare.mjs', join(folder, 'none.json')]), { code: 1, stderr: /holds no line/ })
})

void tap.test('a row repeated, and a row that is none', async (t) => {
  let turns = 0
  await repeatWork([{ row: 'a', turn: () => { turns++ } }], 'a', 7)
  t.equal(turns, 7)
  await t.rejects(repeatWork([], 'b', 1), { name: 'RangeError', message: /no row b/ })
  for (const work of await benchWorks({ random: nodeRandom })) await work.turn()
})

void tap.test('the files of reference are such reports, and say when they are emulated', (t) => {
  const files = readdirSync('bench/reference')
  t.ok(files.length >= 4)
  for (const file of files) {
    const line = readFileSync(join('bench/reference', file), 'utf8').split('\n').find((candidate) => candidate.startsWith('{"bench":"lenskey"'))
    t.match(JSON.parse(line ?? '{}'), { emulated: file.startsWith('qemu') }, file)
  }
  t.end()
})
