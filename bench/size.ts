// Bytes of the single files beside what does a part of their work, bundled and minified in the same run (goals: "Size").
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { boardSizes, sized } from '../tools/sized.mjs'
import { round } from './measure.ts'
import type { BenchRow } from './row.ts'

const others = {
  '@noble/curves and @noble/hashes, P-256 and SHA-256': "export { p256 } from '@noble/curves/nist.js'; export { sha256 } from '@noble/hashes/sha2.js'",
  'jose, SignJWT and importPKCS8, which need WebCrypto': "export { importPKCS8, SignJWT } from 'jose'",
}

export async function run(): Promise<BenchRow[]> {
  execFileSync(process.execPath, ['build-board.mjs', 'x86_64'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const peers = await Promise.all(Object.entries(others).map(async ([name, contents]) => {
    const { outputFiles } = await build({ stdin: { contents, resolveDir: '.' }, bundle: true, minify: true, format: 'esm', legalComments: 'none', write: false })
    return { name, bytes: outputFiles[0].contents }
  }))
  const files = [...sized, { name: 'quickjs/lenskey-camera.js', ...boardSizes }]
  return [
    ...files.flatMap(({ name, raw, gzip }) => rowsOf(name, { raw, gzip }, name.includes('token') ? peers : [])),
    row('quickjs/lenskey-camera.bin, bytecode', readFileSync('dist/quickjs/lenskey-camera.bin').length, boardSizes.bytecode, []),
  ]
}

function rowsOf(name: string, most: { raw: number; gzip: number }, others: { name: string; bytes: Uint8Array }[]): BenchRow[] {
  const bytes = readFileSync(join('dist', name))
  const packed = (of: Uint8Array): number => gzipSync(of, { level: 9 }).length
  return [
    row(name, bytes.length, most.raw, others.map((other) => ({ name: other.name, value: kilobytes(other.bytes.length) }))),
    row(`${name}, by gzip -9`, packed(bytes), most.gzip, others.map((other) => ({ name: other.name, value: kilobytes(packed(other.bytes)) }))),
  ]
}

function row(name: string, bytes: number, most: number, peers: BenchRow['peers']): BenchRow {
  return { row: name, value: kilobytes(bytes), unit: 'kB', better: 'lower', peers, ratio: round(bytes / most), goal: `≤ ${most / 1000} kB`, met: bytes <= most }
}

const kilobytes = (bytes: number): number => round(bytes / 1000)
