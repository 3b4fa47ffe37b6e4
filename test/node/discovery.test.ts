// mDNS over loopback: what a camera announces, who is answered how often, and what hostile answers come to.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Answer, decode, encode, type Packet } from 'dns-packet'
import tap, { type Test } from 'tap'
import { silentLog } from '../../lib/runtime/index.ts'
import { announce, type Announcement } from '../../runtimes/node/discovery/announce.ts'
import { discover } from '../../runtimes/node/discovery/discover.ts'
import { type Link, openLink } from '../../runtimes/node/discovery/link.ts'
import { readAnswer } from '../../runtimes/node/discovery/read-answer.ts'
import { type AnnouncedCamera, hostNameOf, isKnown, questionsAbout, recordsOf, SERVICE } from '../../runtimes/node/discovery/records.ts'
import { nodeClock, nodeRandom } from '../../runtimes/node/host.ts'

const LOOPBACK = '127.0.0.1'
const anywhere = (): boolean => true
const wait = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

/** With a key of its own, so that tests on one machine do not take each other's for theirs. */
function someCamera(changes: Partial<AnnouncedCamera> = {}): AnnouncedCamera {
  const fingerprint = Buffer.from(nodeRandom.bytes(32)).toString('hex')
  return { port: 8123, productId: 'wp-a', deviceId: 'wd-front', fingerprint, friendlyName: 'Front door', path: '/?product=wp-a&device=wd-front', pairing: ['initial'], ...changes }
}

function announced(t: Test, camera: AnnouncedCamera): Announcement {
  const announcement = announce({ camera, listening: LOOPBACK }, { clock: nodeClock, log: silentLog })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= announcement.close())
  t.teardown(close)
  return { ...announcement, close }
}

/** Hears what is said on loopback about one camera. */
function listen(t: Test, { fingerprint }: AnnouncedCamera): { link: Link; heard: Packet[] } {
  const heard: Packet[] = []
  const link = openLink(LOOPBACK, {
    response(packet) {
      if (packet.answers?.some((record) => record.type === 'PTR' && record.data.startsWith(hostNameOf(fingerprint).replace('.local', '.'))) === true) heard.push(packet)
    },
  }, silentLog)
  t.teardown(() => link.close())
  return { link, heard }
}

const overTheWire = (answers: Answer[]): Packet => decode(encode({ type: 'response', answers }))

void tap.test('a camera is found with everything it says, changes its name, and is gone', { timeout: 60_000 }, async (t) => {
  const camera = someCamera({ friendlyName: 'Käme 📷' })
  const announcement = announced(t, camera)
  const look = async (timeMs = 2500) => (await discover({ timeMs, addresses: () => [LOOPBACK] })).filter(({ fingerprint }) => fingerprint === camera.fingerprint)
  t.same(await look(), [{
    name: 'Käme 📷', address: LOOPBACK, port: 8123, url: 'http://127.0.0.1:8123/?product=wp-a&device=wd-front', endpoint: 'http://127.0.0.1:8123',
    productId: 'wp-a', deviceId: 'wd-front', fingerprint: camera.fingerprint, pairing: ['initial'],
  }])
  announcement.update({ friendlyName: '', pairing: [] })
  t.match(await look(), [{ name: 'wd-front', pairing: [] }])
  const { heard } = listen(t, camera)
  await wait(200)
  await announcement.close()
  await wait(300)
  t.equal(heard.at(-1)?.answers?.every(({ type, ttl }: Answer & { ttl?: number }) => type === 'OPT' || ttl === 0), true, 'taken back')
  t.same(await look(1200), [])
})

void tap.test('a camera is found in a network that comes up while it is looked for', { timeout: 60_000 }, async (t) => {
  const camera = someCamera()
  announced(t, camera)
  let looked = 0
  const found = await discover({ timeMs: 3000, addresses: () => (looked++ === 0 ? [] : [LOOPBACK]) })
  t.ok(found.some(({ fingerprint }) => fingerprint === camera.fingerprint))
  t.equal(looked, 2)
})

void tap.test('however many ask, it is said once a second; a known answer is not repeated', { timeout: 60_000 }, async (t) => {
  const camera = someCamera()
  announced(t, camera)
  const { link, heard } = listen(t, camera)
  await wait(3500)
  heard.length = 0
  for (let each = 0; each < 100; each++) {
    await link.send({ type: 'query', questions: [{ name: SERVICE, type: 'PTR' }] })
    await wait(10)
  }
  await wait(1500)
  t.ok(heard.length >= 1 && heard.length <= 4, `${heard.length} answers to 100 questions in about a second`)
  t.equal(isKnown(camera, overTheWire(recordsOf(camera, []))), true)
  t.equal(isKnown(camera, overTheWire(recordsOf(camera, [], true))), false)
  t.equal(isKnown(camera, overTheWire(recordsOf(someCamera(), []))), false)
  t.same(questionsAbout(camera, [{ name: '_LENSKEY._tcp.local', type: 'PTR' }, { name: '_services._dns-sd._udp.local', type: 'PTR' }]), { camera: true, list: true })
  t.same(questionsAbout(camera, [{ name: '_http._tcp.local', type: 'PTR' }]), { camera: false, list: false })
})

void tap.test('who asks from another port is answered there, ten times a second at most', { timeout: 60_000 }, async (t) => {
  const camera = someCamera()
  announced(t, camera)
  const socket = createSocket('udp4')
  t.teardown(() => { socket.close() })
  const heard: Packet[] = []
  socket.on('message', (bytes) => heard.push(decode(bytes)))
  socket.bind(0, LOOPBACK)
  await once(socket, 'listening')
  socket.setMulticastInterface(LOOPBACK)
  await wait(500)
  const question = Buffer.from(encode({ type: 'query', id: 4711, questions: [{ name: hostNameOf(camera.fingerprint), type: 'A' }] }))
  const startMs = Date.now()
  for (let each = 0; each < 60; each++) socket.send(question, 5353, '224.0.0.251')
  await wait(600)
  const tookMs = Date.now() - startMs
  t.ok(heard.length >= 1 && heard.length <= 10 * (1 + Math.floor(tookMs / 1000)), `${heard.length} answers to 60 questions within ${tookMs} ms`)
  t.match(heard[0], { id: 4711, questions: [{ name: hostNameOf(camera.fingerprint) }] })
  t.ok(readAnswer(heard[0], anywhere).some(({ fingerprint }) => fingerprint === camera.fingerprint))
})

void tap.test('answers that are not whole, or lead elsewhere, are none', (t) => {
  const read = (camera: AnnouncedCamera, addresses = ['10.0.0.5'], isHere: (address: string) => boolean = anywhere) => readAnswer(overTheWire(recordsOf(camera, addresses)), isHere)
  t.equal(read(someCamera()).length, 1)
  t.same(read(someCamera(), ['8.8.8.8', '10.0.0.5'], (address) => address.startsWith('10.')).map(({ address }) => address), ['10.0.0.5'], 'never an address of another network')
  t.same(read(someCamera(), ['8.8.8.8'], (address) => address.startsWith('10.')), [])
  for (const changes of [
    { productId: '' }, { productId: 'a b' }, { productId: `w${'x'.repeat(64)}` }, { deviceId: '../x' }, { deviceId: '--help' }, { fingerprint: 'ab' }, { fingerprint: 'AB'.repeat(32) },
    { path: 'http://evil.example/' }, { path: '/\u001b[2J' }, { path: '/a b' }, { port: 0 },
  ]) t.same(read(someCamera(changes)), [], JSON.stringify(changes))
  t.equal(read(someCamera({ productId: `w${'x'.repeat(63)}` })).length, 1, 'the longest product')
  t.match(read(someCamera({ friendlyName: '\u001b[31mred\u202egnal\r\n' })), [{ name: '[31mredgnal' }], 'nothing that moves the cursor or turns a line around')
  t.match(read(someCamera({ friendlyName: 'x'.repeat(300) })), [{ name: 'wd-front' }], 'what does not fit is not announced')
  const good = recordsOf(someCamera(), ['10.0.0.5'])
  for (const left of good.keys()) t.same(readAnswer(overTheWire(good.filter((_record, at) => at !== left)), anywhere), [], `without ${good[left].type}`)
  const many = Array.from({ length: 40 }, () => recordsOf(someCamera(), ['10.0.0.5'])).flat()
  t.equal(readAnswer({ type: 'response', answers: many }, anywhere).length, 16, '64 records of a packet are looked at, 4 for each camera')
  t.same(readAnswer({ type: 'response' }, anywhere), [])
  t.end()
})

void tap.test('noise is dropped, and no more than so many are listed', { timeout: 60_000 }, async (t) => {
  const camera = someCamera()
  announced(t, camera)
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  t.teardown(() => { socket.close() })
  socket.bind(0, LOOPBACK)
  await once(socket, 'listening')
  socket.setMulticastInterface(LOOPBACK)
  // No faster than it is read, or the system drops what this test is about.
  const send = (bytes: Uint8Array): Promise<void> => new Promise((resolve) => { socket.send(bytes, 5353, '224.0.0.251', () => { setTimeout(resolve, 1) }) })
  const searching = discover({ timeMs: 4000, addresses: () => [LOOPBACK], limit: 5 })
  await wait(500)
  const answer = Buffer.from(encode({ type: 'response', answers: recordsOf(someCamera(), [LOOPBACK]) }))
  for (let cut = 0; cut < answer.length; cut += 3) await send(answer.subarray(0, cut))
  for (let round = 0; round < 200; round++) {
    const broken = Buffer.from(answer)
    for (const byte of nodeRandom.bytes(4)) broken[(byte * 7) % broken.length] = byte
    await send(broken)
  }
  // A name that points to itself, and counts that promise more than there is.
  await send(Buffer.from('0000840000000001ffffffffc00c000c0001', 'hex'))
  await send(Buffer.from('00008400ffffffffffffffff', 'hex'))
  for (let each = 0; each < 20; each++) await send(Buffer.from(encode({ type: 'response', answers: recordsOf(someCamera(), [LOOPBACK]) })))
  const found = await searching
  t.equal(found.length, 5)
  t.ok((await discover({ timeMs: 2500, addresses: () => [LOOPBACK] })).some(({ fingerprint }) => fingerprint === camera.fingerprint), 'the camera still answers')
})
