import type { WebrtcSignalingMessage } from '../../../lib/signaling/messages.ts'
import { PerfectNegotiation, type NegotiationLimits } from '../../../lib/webrtc/perfect-negotiation.ts'
import { type MemoryPeerConnection, MemoryPeerConnections } from '../../../runtimes/memory/peer-connection.ts'
import { createSeededRandom } from '../../../runtimes/memory/random.ts'
import { test } from '../../suite.ts'
import { type TransportEnd, transportPair } from './transport-pair.ts'

interface Side {
  pc: MemoryPeerConnection
  transport: TransportEnd
  negotiation: PerfectNegotiation
  errors: unknown[]
}

function negotiating(delay?: () => Promise<void>, limits?: NegotiationLimits): { client: Side; device: Side } {
  const connections = new MemoryPeerConnections()
  const transports = transportPair(delay)
  const side = (transport: TransportEnd): Side => {
    const pc = connections.create(delay)
    const negotiation = new PerfectNegotiation(pc, transport, limits)
    const errors: unknown[] = []
    negotiation.onerror = (error) => errors.push(error)
    return { pc, transport, negotiation, errors }
  }
  return { client: side(transports.client), device: side(transports.device) }
}

/** Longer than any chain of promises here. */
async function settle(turns = 400): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
}

const kinds = (messages: WebrtcSignalingMessage[]) =>
  messages.map((message) => (message.type === 'DESCRIPTION' ? message.description.type : 'candidate'))

const candidateFor = (usernameFragment: string, number = 1): WebrtcSignalingMessage =>
  ({ type: 'CANDIDATE', candidate: { candidate: `candidate:${number} of ${usernameFragment}`, sdpMid: '0', usernameFragment } })

test('a device that opens a data channel is connected to its client', async (t) => {
  const { client, device } = negotiating()
  const heard: unknown[] = []
  client.pc.addEventListener('datachannel', ({ channel }) => {
    channel.addEventListener('message', ({ data }) => channel.send(`echo ${String(data)}`))
  })
  const channel = device.pc.createDataChannel('default')
  channel.addEventListener('open', () => channel.send('hello'))
  channel.addEventListener('message', ({ data }) => heard.push(data))
  await settle()
  t.equal(device.pc.connectionState, 'connected')
  t.equal(client.pc.connectionState, 'connected')
  t.same(heard, ['echo hello'])
  t.same(kinds(device.transport.sent), ['offer', 'candidate', 'candidate'])
  t.same(kinds(client.transport.sent), ['answer', 'candidate', 'candidate'])
  t.same([client.errors, device.errors], [[], []])
})

test('members that are null are left out of a candidate, and the end of candidates is not sent', async (t) => {
  const { device } = negotiating()
  device.pc.createDataChannel('default')
  await settle()
  const [, first] = device.transport.sent
  t.same(first, { type: 'CANDIDATE', candidate: { candidate: 'candidate:1 of u1.0', sdpMid: '0', usernameFragment: 'u1.0' } })
})

test('when both offer at once the device gives way, and both get what they want', async (t) => {
  const { client, device } = negotiating()
  client.pc.addLine('talk-back')
  device.pc.addLine('camera')
  await settle()
  for (const { pc, errors } of [client, device]) {
    t.equal(pc.signalingState, 'stable')
    t.equal(pc.connectionState, 'connected')
    t.same([...pc.agreedLines].sort(), ['camera', 'talk-back'])
    t.same(errors, [])
  }
  t.same(kinds(client.transport.sent).filter((kind) => kind !== 'candidate'), ['offer', 'answer'])
  t.same(kinds(device.transport.sent).filter((kind) => kind !== 'candidate'), ['offer', 'answer', 'offer'])
})

test('however operations and messages overlap, both ends agree', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = createSeededRandom(seed)
    const below = (limit: number) => random.bytes(1)[0] % limit
    const { client, device } = negotiating(() => settle(below(12)))
    const steps: (() => void)[] = [
      () => client.pc.addLine('client 1'),
      () => device.pc.addLine('device 1'),
      () => client.pc.createDataChannel('client data'),
      () => device.pc.createDataChannel('device data'),
      () => device.pc.addLine('device 2'),
      () => client.pc.addLine('client 2'),
      () => (below(2) === 0 ? client : device).pc.restartIce(),
    ]
    while (steps.length > 0) {
      steps.splice(below(steps.length), 1)[0]()
      await settle(below(60))
    }
    await settle(3000)
    const seen = [client, device].map(({ pc, errors }) => ({
      signaling: pc.signalingState, connection: pc.connectionState, lines: [...pc.agreedLines].sort(), errors,
    }))
    const wanted = {
      signaling: 'stable', connection: 'connected', lines: ['client 1', 'client 2', 'data', 'device 1', 'device 2'], errors: [],
    }
    t.same(seen, [wanted, wanted], `seed ${seed}`)
  }
})

test('candidates that come before the description are kept and applied after it', async (t) => {
  const { client, device } = negotiating()
  client.transport.deliver(candidateFor('u1.0', 7))
  client.transport.deliver(candidateFor('u1.0', 8))
  await settle()
  device.pc.createDataChannel('default')
  await settle()
  t.same(client.pc.remoteCandidates, ['candidate:7 of u1.0', 'candidate:8 of u1.0', 'candidate:1 of u1.0', 'candidate:2 of u1.0'])
  t.same(client.errors, [])
})

test('early candidates are bounded', async (t) => {
  const { client } = negotiating()
  for (let number = 0; number < 64; number++) client.transport.deliver(candidateFor('u1.0', number))
  await settle(2000)
  t.same(client.errors, [])
  client.transport.deliver(candidateFor('u1.0', 64))
  await settle()
  t.same(client.errors.map((error) => (error as { code: string }).code), ['ERR_WEBRTC_TOO_MANY_CANDIDATES'])
})

test('messages that wait are bounded', async (t) => {
  let release: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (release = resolve))
  const connections = new MemoryPeerConnections()
  const { client } = transportPair()
  const pc = connections.create(() => gate)
  const errors: unknown[] = []
  new PerfectNegotiation(pc, client, { maxWaitingMessages: 3 }).onerror = (error) => errors.push(error)
  client.deliver({ type: 'DESCRIPTION', description: { type: 'offer', sdp: '{"connection":9,"ufrag":"x","lines":[]}' } })
  await settle()
  for (let number = 0; number < 3; number++) client.deliver(candidateFor('x', number))
  await settle()
  t.same(errors, [])
  client.deliver(candidateFor('x', 3))
  await settle()
  t.same(errors.map((error) => (error as { code: string }).code), ['ERR_WEBRTC_TOO_MANY_MESSAGES'])
  release()
  await settle()
  t.same(pc.remoteCandidates, ['candidate:0 of x', 'candidate:1 of x', 'candidate:2 of x'])
})

test('the client ignores a colliding offer together with its candidates', async (t) => {
  const { client, device } = negotiating()
  client.transport.pause()
  client.pc.addLine('talk-back')
  await settle()
  t.equal(client.pc.signalingState, 'have-local-offer')
  client.transport.deliver({ type: 'DESCRIPTION', description: { type: 'offer', sdp: '{"connection":1,"ufrag":"stale","lines":["x"]}' } })
  client.transport.deliver(candidateFor('stale'))
  await settle()
  t.equal(client.pc.signalingState, 'have-local-offer')
  client.transport.resume()
  await settle()
  t.equal(client.pc.connectionState, 'connected')
  t.same([client.errors, device.errors], [[], []])
  t.ok(!client.pc.remoteCandidates.includes('candidate:1 of stale'))
})

test('what cannot be applied is reported, and negotiation goes on', async (t) => {
  const { client, device } = negotiating()
  client.transport.deliver({ type: 'DESCRIPTION', description: { type: 'answer', sdp: '{}' } })
  await settle()
  t.same(client.errors.map((error) => (error as { code: string }).code), ['ERR_WEBRTC_STATE'])
  device.pc.createDataChannel('default')
  await settle()
  client.transport.deliver(candidateFor('somebody else'))
  await settle()
  t.same(client.errors.map((error) => (error as { code: string }).code), ['ERR_WEBRTC_STATE', 'ERR_WEBRTC_CANDIDATE_REFUSED'])
  t.equal(client.pc.connectionState, 'connected')
})

test('a message that cannot be sent is reported', async (t) => {
  const { device } = negotiating()
  device.transport.failWith(new Error('the channel has ended'))
  device.pc.createDataChannel('default')
  await settle()
  t.same(device.errors.map((error) => (error as Error).message), Array(3).fill('the channel has ended'))
})

test('a path that failed is sought anew', async (t) => {
  const { client, device } = negotiating()
  device.pc.createDataChannel('default')
  await settle()
  client.pc.setPath('failed')
  await settle()
  t.equal(client.pc.connectionState, 'connected')
  t.ok(client.transport.sent.some((message) => message.type === 'CANDIDATE' && message.candidate.usernameFragment === 'u0.1'))
  t.same([client.errors, device.errors], [[], []])
})

test('an engine that cannot restart ICE is heard', async (t) => {
  const { client } = negotiating()
  client.pc.restartIce = () => {
    throw new Error('no restart')
  }
  client.pc.setPath('failed')
  await settle()
  t.same(client.errors.map((error) => (error as Error).message), ['no restart'])
})

test('closing lets go of the connection and the transport', async (t) => {
  const { client, device } = negotiating()
  device.negotiation.close()
  device.negotiation.close()
  t.equal(device.pc.listenerCount, 0)
  t.equal(device.transport.listenerCount, 0)
  device.pc.createDataChannel('default')
  client.pc.close()
  client.transport.deliver({ type: 'DESCRIPTION', description: { type: 'offer', sdp: '{}' } })
  await settle()
  t.same(device.transport.sent, [])
  t.same(client.transport.sent, [])
  t.same([client.errors, device.errors], [[], []])
})

test('a description that is not wanted never reaches the engine', async (t) => {
  const refused = new Error('not this one')
  const seen: string[] = []
  const { client, device } = negotiating(undefined, {
    checkDescription({ type }) {
      seen.push(type)
      if (type === 'answer') throw refused
    },
  })
  device.pc.createDataChannel('default')
  await settle()
  t.same(seen, ['offer', 'answer'])
  t.same([client.errors, device.errors], [[], [refused]])
  t.equal(device.pc.signalingState, 'have-local-offer')
  t.equal(device.pc.remoteDescription, null)
})
