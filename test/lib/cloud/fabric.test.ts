import { isNewerClaim, type Fabric, type Occupant, type Room } from '../../../lib/cloud/fabric.ts'
import { DEFAULT_RENDEZVOUS_LIMITS } from '../../../lib/cloud/limits.ts'
import { createLocalFabric } from '../../../lib/cloud/local-fabric.ts'
import { createRelay } from '../../../lib/cloud/relay.ts'
import { createMemoryHost } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { connected, FakeSocket, FRONT, message, offline } from './support.ts'

function occupant(serial: number, events: string[]): Occupant {
  return {
    order: { issuedAt: 0, serial },
    receive: (text) => void events.push(text),
    deviceArrived: () => void events.push('device'),
    replaced: () => void events.push('replaced'),
  }
}

test('the local fabric: places, presence and topics', (t) => {
  const fabric = createLocalFabric()
  t.equal(fabric.hasDevice(FRONT), false)
  t.equal(fabric.clientCount(FRONT), 0)
  const events: string[] = []
  const client = occupant(1, events)
  const room = fabric.enter(FRONT, 'c', client)
  t.equal(fabric.clientCount(FRONT), 1)
  t.equal(room.send('', 'to nobody'), false)
  t.equal(room.send('c', 'to itself'), true)
  room.announceDevice()
  fabric.enter(FRONT, 'c', occupant(1, events))
  t.same(events, ['to itself', 'device', 'replaced'], 'a claim that is no newer is turned away')
  fabric.enter(FRONT, 'c', occupant(2, []))
  room.leave('c', client)
  t.equal(fabric.clientCount(FRONT), 1, 'who was replaced cannot empty the place')
  const heard: string[] = []
  const stop = fabric.subscribe('x', (text) => heard.push(text))
  fabric.publish('x', '1')
  fabric.publish('y', '2')
  stop()
  fabric.publish('x', '3')
  t.same(heard, ['1'])
})

test('claims are ordered by proof, then by time', (t) => {
  t.equal(isNewerClaim({ issuedAt: 2, serial: 0 }, { issuedAt: 1, serial: 9 }), true)
  t.equal(isNewerClaim({ issuedAt: 1, serial: 9 }, { issuedAt: 2, serial: 0 }), false)
  t.equal(isNewerClaim({ issuedAt: 1, serial: 1 }, { issuedAt: 1, serial: 1 }), false)
})

/** Two nodes between which everything takes a moment, as a broker's answers do. */
function slowly(fabric: Fabric, after: (callback: () => void) => void): Fabric {
  const later = <T>(answer: () => T): Promise<T> => new Promise((resolve) => after(() => resolve(answer())))
  return {
    enter(device, place, who): Room {
      const room = fabric.enter(device, place, who)
      return { leave: (at, whom) => room.leave(at, whom), announceDevice: () => after(() => room.announceDevice()), send: (to, text) => later(() => room.send(to, text) as boolean) }
    },
    hasDevice: (device) => later(() => fabric.hasDevice(device) as boolean),
    clientCount: (device) => later(() => fabric.clientCount(device) as number),
    publish: (topic, text) => after(() => fabric.publish(topic, text)),
    subscribe: (topic, listener) => fabric.subscribe(topic, listener),
  }
}

test('two nodes over a fabric that answers later: order, presence, takeover and revocation', async (t) => {
  const host = createMemoryHost()
  const fabric = slowly(createLocalFabric(), (callback) => void host.clock.after(5, callback))
  const [one, two] = [1, 2].map(() => createRelay(host, { fabric, limits: DEFAULT_RENDEZVOUS_LIMITS }))
  const [device, client, next] = [new FakeSocket(), new FakeSocket(), new FakeSocket()]
  const ofClient = two.seat({ ...FRONT, kid: undefined, channelId: 'c', order: { issuedAt: 0, serial: 1 } }, client)
  ofClient.onText(JSON.stringify(message('c', 'too early')))
  await host.clock.advance(10)
  t.same(client.take(), [offline('c')])
  const ofDevice = one.seat({ ...FRONT, kid: 'k', channelId: undefined, order: { issuedAt: 1, serial: 1 } }, device)
  await host.clock.advance(10)
  t.same(client.take(), [connected('c')])
  for (let n = 0; n < 20; n++) ofClient.onText(JSON.stringify(message('c', n)))
  for (let n = 0; n < 20; n++) ofDevice.onText(JSON.stringify(message('c', n)))
  await host.clock.advance(10)
  const wanted = Array.from({ length: 20 }, (_, n) => message('c', n))
  t.same(device.take(), wanted)
  t.same(client.take(), wanted)
  two.seat({ ...FRONT, kid: 'k', channelId: undefined, order: { issuedAt: 2, serial: 1 } }, next)
  t.equal(device.ended, 4000, 'a newer proof on another node takes the seat')
  one.revoke({ productId: FRONT.productId })
  await host.clock.advance(10)
  t.same([next.ended, client.ended], [4001, 4001])
  one.close()
  two.close()
})
