// The camera on a board whose clock is wrong, against a live rendezvous over TLS: it learns the time and connects.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { privateKeyToPem } from '../../lib/crypto/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { startProgram } from './support/board.ts'
import { DEVICE, PRODUCT, registerTestDevice, serve, temporaryFolder } from './support/service.ts'
import { makeAuthority, tlsFront } from './support/tls-front.ts'

const program = 'build/board/probes/wrong-clock'
const skip = skipWithout('gcc') || (!existsSync(program) && 'run `node build-board.mjs --probes` first')
const DAY_MS = 86_400_000

void tap.test('a clock that is wrong in either direction', { timeout: 170_000, skip }, async (t) => {
  const folder = temporaryFolder(t)
  const authority = makeAuthority(folder)
  const service = await serve(t, { trustedProxies: ['127.0.0.1'] })
  const backPort = Number(new URL(service.url).port)
  const front = await tlsFront(t, authority.issue('server'), backPort)
  const { key } = await registerTestDevice(service)
  writeFileSync(join(folder, 'key.pem'), privateKeyToPem(key), { mode: 0o600 })
  const start = (offsetMs: number, port: number, data: string): ReturnType<typeof startProgram> => startProgram(t, [
    program, String(offsetMs), '--endpoint', `https://localhost:${port}`, '--product', PRODUCT, '--device', DEVICE, '--key', join(folder, 'key.pem'), '--ca', authority.caFile,
    '--data', join(folder, data), '--require-authorized', '--engine', join(folder, 'none.sock'), '--log-level', 'info',
  ])

  const cases: [string, number, RegExp][] = [
    ['1970', -Date.now(), /clock\.unknown[\s\S]*clock\.learned/],
    ['a year ago', -365 * DAY_MS, /clock\.unknown[\s\S]*clock\.learned/],
    ['in 40 years', 40 * 365 * DAY_MS, /clock\.unknown[\s\S]*clock\.learned/],
    // Plausible, so that a certificate that seems expired, or a token that is refused, has to tell.
    ['in three years', 3 * 365 * DAY_MS, /clock\.learned/],
    ['ten minutes ahead', 600_000, /clock\.learned/],
  ]
  for (const [name, offsetMs, log] of cases) {
    const camera = start(offsetMs, front.port, name.replace(/ /g, '-'))
    await camera.says('signaling CONNECTED', 60_000)
    t.match(camera.errors, log, name)
    await camera.stop()
  }
  const right = start(0, front.port, 'right')
  await right.says('signaling CONNECTED', 60_000)
  t.notMatch(right.errors, /clock\./, 'a right clock asks nobody')
  await right.stop()

  // Whoever has the key of a certificate that has expired shows a time of its life, and nobody takes it.
  const expired = await tlsFront(t, authority.issue('expired', { from: '20240101000000Z', to: '20250101000000Z' }), backPort)
  const deceived = start(-Date.now(), expired.port, 'expired')
  await deceived.says('ERR_CLOCK_UNKNOWN', 60_000)
  t.notMatch(deceived.output, /CONNECTED/)
  const stranger = await tlsFront(t, makeAuthority(folder, 'stranger').issue('leaf'), backPort)
  const refused = start(-Date.now(), stranger.port, 'stranger')
  await refused.says(/no authority that we trust/, 60_000)
  t.notMatch(refused.output + refused.errors, /CONNECTED|clock\.learned/, 'an unverified server tells no time')
})
