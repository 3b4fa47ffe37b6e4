import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { createIceServerSource } from '../../runtimes/node/service/index.ts'
import { locate, skipWithout } from '../../tools/requirements.mjs'
import { temporaryFolder } from './support/service.ts'
import { TurnClient } from './support/turn-client.ts'

const SECRET = 'a secret of this test'
const skip = skipWithout('turnserver')
tap.setTimeout(120_000)

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => { resolve() }))
  return port
}

/** coturn on loopback. @param lines - of its configuration */
async function startCoturn(t: Test, lines: string[]): Promise<number> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  const file = join(folder, 'turnserver.conf')
  writeFileSync(file, [
    ...lines, `listening-port=${port}`, 'listening-ip=127.0.0.1', 'relay-ip=127.0.0.1', 'relay-ip=::1', 'log-file=stdout', 'simple-log', `pidfile=${join(folder, 'pid')}`, `userdb=${join(folder, 'db')}`, '',
  ].join('\n'), { mode: 0o600 })
  const child = spawn(String(locate('turnserver')), ['-c', file], { stdio: 'ignore' })
  t.teardown(async () => {
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
  })
  return port
}

/** What the service gives out for a device. */
function credentials(lifetimeSeconds = 600, secret = SECRET): { username: string; credential: string } {
  const source = createIceServerSource({ turn: { urls: ['turn:127.0.0.1'], secret, lifetimeSeconds } })
  const { username = '', credential = '' } = source({ productId: 'wp-a', deviceId: 'wd-front', turn: true })[0]
  return { username, credential }
}

async function allocated(t: Test, port: number, user: { username: string; credential: string }, family: 4 | 6 = 4): Promise<{ code: number; client: TurnClient }> {
  const client = new TurnClient(port, user)
  t.teardown(() => { client.close() })
  return { code: await client.allocate(family), client }
}

void tap.test('coturn takes our credentials for their minutes, and no others', { skip }, async (t) => {
  const port = await startCoturn(t, ['use-auth-secret', `static-auth-secret=${SECRET}`, 'realm=test', 'no-tls', 'no-dtls', 'no-cli', 'allow-loopback-peers', 'fingerprint'])
  const good = credentials()
  t.match(good.username, /^\d+:wp-a\/wd-front\/[\w-]{8}$/, 'of the device and of one session')
  t.not(credentials().username, good.username)
  const { code, client } = await allocated(t, port, good)
  t.equal(code, 0)
  t.equal(await client.permit([127, 0, 0, 1]), 0, 'loopback, in a test alone')
  for (const [what, user] of [
    ['expired', credentials(-10)], ['another secret', credentials(600, 'guessed')], ['longer than given', { ...good, username: good.username.replace(/^\d+/, '9999999999') }],
    ['for another device', { ...good, username: good.username.replace('front', 'back') }], ['no credential', { ...good, credential: '' }],
  ] as const) t.equal((await allocated(t, port, user)).code, 401, what)
})

void tap.test('the sample configuration refuses peers inside', { skip }, async (t) => {
  const sample = readFileSync('examples/coturn/turnserver.conf', 'utf8').replace('CHANGE-ME', SECRET).replace(/^listening-port=.*$/m, '')
  const port = await startCoturn(t, [sample])
  const { code, client } = await allocated(t, port, credentials())
  t.equal(code, 0)
  for (const address of ['0.0.0.0', '10.0.0.1', '10.255.255.255', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255']) {
    t.equal(await client.permit(address.split('.').map(Number)), 403, address)
  }
  t.equal(await client.permit([8, 8, 8, 8]), 0, 'an address outside is permitted; nothing is sent to it')
  const six = await allocated(t, port, credentials(), 6)
  t.equal(six.code, 0)
  const groups = (...at: [number, number][]): number[] => {
    const bytes = new Array<number>(16).fill(0)
    for (const [index, value] of at) bytes[index] = value
    return bytes
  }
  for (const [name, address] of [
    ['::', groups()], ['::1', groups([15, 1])], ['::ffff:127.0.0.1', groups([10, 255], [11, 255], [12, 127], [15, 1])], ['::ffff:10.0.0.1', groups([10, 255], [11, 255], [12, 10], [15, 1])],
    ['fe80::1', groups([0, 0xfe], [1, 0x80], [15, 1])], ['fd00::1', groups([0, 0xfd], [15, 1])], ['ff02::1', groups([0, 0xff], [1, 2], [15, 1])], ['64:ff9b::7f00:1', groups([1, 0x64], [2, 0xff], [3, 0x9b], [12, 127], [15, 1])],
  ] as const) t.equal(await six.client.permit(address), 403, name)
})

void tap.test('a session between two engines that may only relay', { skip }, async (t) => {
  const port = await startCoturn(t, ['use-auth-secret', `static-auth-secret=${SECRET}`, 'realm=test', 'no-tls', 'no-dtls', 'no-cli', 'allow-loopback-peers', 'fingerprint'])
  const { PeerConnection, cleanup } = await import('node-datachannel')
  // Its threads would keep the process.
  t.teardown(() => { cleanup() })
  const connectWith = async (user: { username: string; credential: string }, timeoutMs: number): Promise<string> => {
    const server = { hostname: '127.0.0.1', port, username: user.username, password: user.credential, relayType: 'TurnUdp' as const }
    const ends = ['viewer', 'camera'].map((name) => new PeerConnection(name, { iceServers: [server], iceTransportPolicy: 'relay', bindAddress: '127.0.0.1' }))
    const [viewer, camera] = ends
    // The engine names the kind of the pair by its socket; what it offers to the other end tells more.
    const types = new Set<string | undefined>()
    const cross = (from: typeof viewer, to: typeof viewer): void => {
      from.onLocalDescription((sdp, type) => { to.setRemoteDescription(sdp, type) })
      from.onLocalCandidate((candidate, mid) => {
        types.add(/ typ (\w+)/.exec(candidate)?.[1])
        to.addRemoteCandidate(candidate, mid)
      })
    }
    cross(viewer, camera)
    cross(camera, viewer)
    camera.onDataChannel((channel) => channel.onMessage((message) => channel.sendMessage(`heard ${textOf(message)}`)))
    try {
      return await new Promise<string>((resolve) => {
        const timer = setTimeout(() => { resolve('not connected') }, timeoutMs)
        const channel = viewer.createDataChannel('test')
        channel.onOpen(() => channel.sendMessage('hello'))
        channel.onMessage((message) => {
          clearTimeout(timer)
          resolve(`${textOf(message)} by ${[...types].join()}`)
        })
      })
    } finally {
      for (const end of ends) end.close()
    }
  }
  t.equal(await connectWith(credentials(), 20_000), 'heard hello by relay')
  t.equal(await connectWith(credentials(-10), 4000), 'not connected', 'with credentials that have expired')
  t.equal(await connectWith(credentials(600, 'guessed'), 4000), 'not connected', 'with credentials by another secret')
})

const textOf = (message: string | Buffer | ArrayBuffer): string => (typeof message === 'string' ? message : Buffer.from(message as Uint8Array).toString())
