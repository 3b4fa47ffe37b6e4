// The camera as it goes onto a board, connected over TLS and idle: memory, and what a start costs.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { privateKeyToPem } from '../lib/crypto/index.ts'
import { DEVICE, PRODUCT, registerTestDevice, serve } from '../test/node/support/service.ts'
import { makeAuthority, tlsFront } from '../test/node/support/tls-front.ts'
import { median, round } from './measure.ts'
import type { BenchRow } from './row.ts'

const program = 'dist/quickjs/lenskey-camera-x86_64'
const ROUNDS = 7

export async function run(): Promise<BenchRow[]> {
  execFileSync(process.execPath, ['build-board.mjs', 'x86_64'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const undo: (() => void | Promise<void>)[] = []
  const t = { teardown: (step: () => void | Promise<void>) => void undo.unshift(step) }
  const folder = mkdtempSync(join(tmpdir(), 'lenskey-bench-'))
  try {
    const authority = makeAuthority(folder)
    const service = await serve(t, { trustedProxies: ['127.0.0.1'] })
    const front = await tlsFront(t, authority.issue('server'), Number(new URL(service.url).port))
    const { key } = await registerTestDevice(service)
    writeFileSync(join(folder, 'key.pem'), privateKeyToPem(key))
    mkdirSync(join(folder, 'data'))
    const found: Measured[] = []
    for (let turn = 0; turn < ROUNDS; turn++) {
      found.push(await measure(['--endpoint', `https://localhost:${front.port}`, '--product', PRODUCT, '--device', DEVICE, '--key', join(folder, 'key.pem'), '--ca', authority.caFile,
        '--data', join(folder, 'data'), '--require-authorized', '--engine', join(folder, 'none.sock'), '--print-heap']))
    }
    const of = (pick: (one: Measured) => number): number => round(median(found.map(pick)))
    return [
      row('board camera, connected over TLS and idle, resident', of(({ rssMb }) => rssMb), 'MB', 8),
      row('board camera, connected over TLS and idle, JavaScript heap', of(({ heapMb }) => heapMb), 'MB', 4),
      row('board camera, process start to first token', of(({ tokenMs }) => tokenMs), 'ms', 6),
      row('board camera, process start to CONNECTED over TLS', of(({ connectedMs }) => connectedMs), 'ms', 1000),
    ]
  } finally {
    for (const step of undo) await step()
    rmSync(folder, { recursive: true })
  }
}

interface Measured { rssMb: number; heapMb: number; tokenMs: number; connectedMs: number }

async function measure(args: string[]): Promise<Measured> {
  const started = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  // What it logs is of interest only where it fails; that there is no WebRTC engine is not.
  child.stderr.on('data', (bytes: Buffer) => { output += bytes.toString() })
  let connectedMs = 0
  await new Promise<void>((resolve, reject) => {
    child.on('close', () => { reject(new Error(`the camera ended: ${output}`)) })
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString()
      if (!output.includes('signaling CONNECTED') || connectedMs > 0) return
      connectedMs = performance.now() - started
      resolve()
    })
  })
  await wait(2_500)
  const status = readFileSync(`/proc/${String(child.pid)}/status`, 'utf8')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
  const number = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1])
  return {
    rssMb: number(/^VmRSS:\s+(\d+)/m, status) / 1024, heapMb: number(/heap (\d+)/, output) / 1_048_576, tokenMs: number(/first token after ([\d.]+)/, output), connectedMs,
  }
}

/** Absolute, since what others measured was on machines of their own. */
function row(name: string, value: number, unit: string, goal: number): BenchRow {
  return { row: name, value, unit, better: 'lower', peers: [], ratio: round(value / goal), goal: `≤ ${goal} ${unit}`, met: value <= goal }
}
