import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import tap, { type Test } from 'tap'
import type { WebrtcSignalingMessage } from '../../lib/signaling/messages.ts'
import { PerfectNegotiation } from '../../lib/webrtc/index.ts'
import { loadEngine } from '../../runtimes/node/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { transportPair } from '../lib/webrtc/transport-pair.ts'
import { credentials, SECRET, startCoturn, TURN } from './support/coturn.ts'
import { echo, greet } from './support/negotiating-pair.ts'
import { TurnClient } from './support/turn-client.ts'

const skip = skipWithout('turnserver')
tap.setTimeout(120_000)

async function allocated(t: Test, port: number, user: { username: string; credential: string }, family: 4 | 6 = 4): Promise<{ code: number; client: TurnClient }> {
  const client = new TurnClient(port, user)
  t.teardown(() => { client.close() })
  return { code: await client.allocate(family), client }
}

void tap.test('coturn takes our credentials for their minutes, and no others', { skip }, async (t) => {
  const port = await startCoturn(t, TURN)
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

void tap.test('two engines that may only relay', { skip }, async (t) => {
  const port = await startCoturn(t, TURN)
  for (const [ours, theirs] of [['node-datachannel', 'node-datachannel'], ['node-datachannel', 'werift'], ['werift', 'node-datachannel'], ['werift', 'werift']] as const) {
    const connectWith = async (user: { username: string; credential: string }, timeoutMs: number): Promise<string> => {
      const configuration = { iceServers: [{ urls: [`turn:127.0.0.1:${port}?transport=udp`], ...user }] }
      const [viewer, camera] = await Promise.all([ours, theirs].map(async (name) => (await loadEngine(name, { loopbackOnly: true, iceTransportPolicy: 'relay' }))(configuration)))
      const types = new Set<string | undefined>()
      for (const end of [viewer, camera]) end.addEventListener('icecandidate', ({ candidate }) => { if (candidate !== null) types.add(/ typ (\w+)/.exec(candidate.toJSON().candidate ?? '')?.[1]) })
      const heard = await greet({ client: viewer, device: camera }, timeoutMs)
      return heard === undefined ? 'not connected' : `${heard} by ${[...types].join()}`
    }
    await t.test(`${ours} with ${theirs}`, async (t) => {
      t.equal(await connectWith(credentials(), 20_000), 'heard hello by relay')
      if (ours !== theirs) return
      t.equal(await connectWith(credentials(-10), 4000), 'not connected', 'with credentials that have expired')
      t.equal(await connectWith(credentials(600, 'guessed'), 4000), 'not connected', 'with credentials by another secret')
    })
  }
})

void tap.test('over a relay the peer begins its handshake when our end is up, not before', { skip }, async (t) => {
  // By its interface libdatachannel tells neither; a handshake that begins too early can lock the process.
  const port = await startCoturn(t, TURN)
  const create = await loadEngine('node-datachannel', { loopbackOnly: true, iceTransportPolicy: 'relay' })
  const iceServers = () => [{ urls: [`turn:127.0.0.1:${port}?transport=udp`], ...credentials() }]
  const connect = async (delayMs: number): Promise<unknown> => {
    const viewer = fork(fileURLToPath(new URL('./support/relayed-viewer.js', import.meta.url)), [JSON.stringify(iceServers())])
    t.teardown(() => viewer.kill('SIGKILL'))
    const camera = create({ iceServers: iceServers() })
    echo(camera)
    const { client, device } = transportPair(() => new Promise((resolve) => void setTimeout(resolve, delayMs)))
    const negotiation = new PerfectNegotiation(camera, device)
    client.on('webrtcsignalingmessage', (message) => { viewer.send(message) })
    const last = new Promise((resolve) => {
      viewer.on('message', (message: object) => {
        if ('told' in message) resolve(message)
        else void client.sendWebrtcSignalingMessage(message as WebrtcSignalingMessage)
      })
      viewer.on('exit', resolve)
    })
    const seen = await last
    negotiation.close()
    camera.close()
    return seen
  }
  for (const delayMs of [0, 20, 40]) {
    const first = await connect(delayMs)
    // A machine that stands still for longer than the head start turns the order round.
    const seen = /up.*heard/.test(JSON.stringify(first)) ? first : await connect(delayMs)
    t.same(seen, { heard: 'heard hello', told: ['up', 'heard'] }, `signaling takes ${delayMs} ms`)
  }
})
