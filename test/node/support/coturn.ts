// A real TURN server on loopback, and what the service gives out for it.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createIceServerSource } from '../../../runtimes/node/service/index.ts'
import { locate } from '../../../tools/requirements.mjs'
import { freePort } from './free-port.ts'
import { until } from './negotiating-pair.ts'
import { temporaryFolder } from './service.ts'

export const SECRET = 'a secret of this test'
/** For tests alone: coturn may relay on loopback. */
export const TURN = ['use-auth-secret', `static-auth-secret=${SECRET}`, 'realm=test', 'no-tls', 'no-dtls', 'no-cli', 'allow-loopback-peers', 'fingerprint']

/**
 * coturn on loopback, listening. It relays from an address that nothing else has, as elsewhere: whom it lets through it judges by addresses,
 * not by ports. Where one of its ports is taken, for UDP or TCP, it tries for ever and is deaf meanwhile.
 * @param lines - of its configuration
 */
export async function startCoturn(t: Test, lines: string[]): Promise<number> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  const file = join(folder, 'turnserver.conf')
  writeFileSync(file, [
    ...lines, `listening-port=${port}`, 'listening-ip=127.0.0.1', 'relay-ip=127.0.0.2', 'relay-ip=::1', 'log-file=stdout', 'simple-log', `pidfile=${join(folder, 'pid')}`, `userdb=${join(folder, 'db')}`, '',
  ].join('\n'), { mode: 0o600 })
  const child = spawn(String(locate('turnserver')), ['-c', file], { stdio: 'ignore' })
  t.teardown(async () => {
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
  })
  await until(() => listensAt(port), 'coturn')
  return port
}

/** Whether there is a UDP socket at `port` of loopback. */
const listensAt = (port: number): boolean => readFileSync('/proc/net/udp', 'latin1').includes(` 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} `)

/** What the service gives out for a device. */
export function credentials(lifetimeSeconds = 600, secret = SECRET): { username: string; credential: string } {
  const source = createIceServerSource({ turn: { urls: ['turn:127.0.0.1'], secret, lifetimeSeconds } })
  const { username = '', credential = '' } = source({ productId: 'wp-a', deviceId: 'wd-front', turn: true })[0]
  return { username, credential }
}
