// What a session may do: the picture and the requests of strangers, users, linked secrets and clients the service vouches for.
import { parsePairingLink } from '../../../lib/client/index.ts'
import type { SignalingError } from '../../../lib/signaling/index.ts'
import { test } from '../../suite.ts'
import { administrator, type Client, guardedWorld, type GuardedWorld, loggedIn, SECRETS } from '../client/guarded-world.ts'

const lines = ({ viewer }: Client): readonly string[] => viewer.peerConnection?.agreedLines ?? []

/** A user of this role who is watching, beside the administrator. */
async function watching(world: GuardedWorld, role = 'Guest'): Promise<{ admin: Client; user: Client }> {
  const admin = await administrator(world)
  const link = await world.during(admin.iam.invite({ username: 'user', role, frontEnd: 'https://page.test/' }))
  return { admin, user: await loggedIn(world, 'user', parsePairingLink(link).password) }
}

test('a stranger gets no video line, and may do no more than pair', async (t) => {
  const world = await guardedWorld()
  const client = await world.connect()
  await world.service.clock.advance(500)
  t.same(lines(client), ['data'])
  t.equal(world.showing.size, 0)
  for (const path of ['/iam/users', '/iam/roles', '/iam/settings', '/audit', '/iam/users/admin']) {
    t.equal((await world.during(client.coap('GET', path))).code, '4.03', path)
  }
  await t.rejects(world.during(client.iam.me()), 'ERR_DEVICE_NOT_FOUND')
  await t.rejects(world.during(client.iam.createUser('me')), 'ERR_DEVICE_FORBIDDEN')
  t.same((await world.during(client.iam.pairing())).modes, ['PasswordInvite'])
})

test('first the administrator, then somebody invited: both see the picture, one manages', async (t) => {
  const world = await guardedWorld()
  const { admin, user } = await watching(world)
  t.equal((await world.during(admin.iam.me())).role, 'Administrator')
  t.equal((await world.during(user.iam.me())).username, 'user')
  for (const client of [admin, user]) t.ok(lines(client).includes('video'))
  t.equal(world.showing.size, 2)
  await t.rejects(world.during(user.iam.users()), 'ERR_DEVICE_FORBIDDEN')
  t.same([...await world.during(admin.iam.users())], ['admin', 'user'])
})

test('a user who is removed sees nothing more, at once', async (t) => {
  const world = await guardedWorld()
  const { admin, user } = await watching(world)
  t.equal(world.showing.size, 2)
  const beforeMs = world.service.clock.monotonicMs()
  await world.during(admin.iam.deleteUser('user'))
  t.equal(world.showing.size, 1)
  t.ok(world.service.clock.monotonicMs() - beforeMs <= 1000)
  t.equal(user.viewer.peerConnection?.connectionState, 'connected')
  await t.rejects(world.during(user.iam.me()), 'ERR_DEVICE_NOT_FOUND')
})

test('removed by the device\'s own program: the picture has gone when the call returns', async (t) => {
  const world = await guardedWorld()
  await watching(world)
  await world.iam.users.delete('user')
  t.equal(world.showing.size, 1)
})

test('another role: the picture goes and comes with the right to see it', async (t) => {
  const world = await guardedWorld()
  const { admin } = await watching(world)
  await world.during(admin.iam.setRole('user', 'Unpaired'))
  t.equal(world.showing.size, 1)
  await world.during(admin.iam.setRole('user', 'Standard'))
  t.equal(world.showing.size, 2)
  await world.during(admin.iam.setPassword('user', 'another password'))
  t.equal(world.showing.size, 1, 'a login ends with its password')
  const turns = world.iam.audit.events({ limit: 1000 }).filter(({ action }) => action === 'Webrtc:VideoStream')
  t.ok(turns.length >= 4)
})

test('viewers of a role: at the bound, one more is told why, and the next gets in when one has left', async (t) => {
  const world = await guardedWorld({ guard: { maxViewers: { Guest: 2 } } })
  const admin = await administrator(world)
  const enter = async (username: string, role: string): Promise<{ client: Client; reasons: unknown[] }> => {
    const link = await world.during(admin.iam.invite({ username, role, frontEnd: 'https://page.test/' }))
    const client = await world.connect()
    const reasons: unknown[] = []
    client.viewer.on('ended', (reason) => reasons.push(reason))
    await world.during(client.verify({ fingerprint: world.fingerprint }))
    await world.during(client.authenticate({ username, password: parsePairingLink(link).password }))
    await world.service.clock.advance(500)
    return { client, reasons }
  }
  const [first, second] = [await enter('first', 'Guest'), await enter('second', 'Guest')]
  t.equal(world.showing.size, 3)
  const third = await enter('third', 'Guest')
  t.equal(world.showing.size, 3)
  t.same(third.reasons.map((reason) => (reason as SignalingError).errorCode), ['NO_MORE_CHANNELS'])
  t.same([first.reasons, second.reasons], [[], []])
  const other = await enter('other', 'Standard')
  t.same(other.reasons, [])
  t.equal(world.showing.size, 4, 'other roles are not bounded')
  first.client.close()
  await world.service.clock.advance(1_000)
  t.same((await enter('fourth', 'Guest')).reasons, [])
  t.equal(world.showing.size, 4)
})

test('a secret is linked to a user by its key id', async (t) => {
  const world = await guardedWorld({ guard: { links: { default: 'default', door: 'admin', garden: 'nobody' } } })
  await world.iam.users.create('default', { role: 'Guest' })
  const named = await world.connect({ keyId: 'door', sharedSecret: SECRETS.door })
  t.equal((await world.during(named.iam.me())).username, 'admin')
  const unnamed = await world.connect()
  await world.service.clock.advance(100)
  t.equal((await world.during(unnamed.iam.me())).username, 'default')
  t.ok(lines(unnamed).includes('video'))
  const broken = await world.connect({ keyId: 'garden', sharedSecret: SECRETS.garden })
  await t.rejects(world.during(broken.iam.me()), 'ERR_DEVICE_NOT_FOUND')
  t.equal(world.showing.size, 2)
  await world.iam.users.delete('default')
  t.equal(world.showing.size, 1)
})

test('one secret for every key id is linked as default, whatever name a client gives it', async (t) => {
  const world = await guardedWorld({ guard: { links: { default: 'default', door: 'admin' } }, camera: { access: { sharedSecret: 's3cret' } } })
  await world.iam.users.create('default', { role: 'Guest' })
  const client = await world.connect({ keyId: 'door' })
  t.equal((await world.during(client.iam.me())).username, 'default')
})

test('clients that the service vouches for have the role that the device gives them, and no secret\'s user', async (t) => {
  for (const authorizedRole of ['Guest', undefined]) {
    const world = await guardedWorld({ guard: { authorizedRole, links: { default: 'admin' } }, camera: { access: { requireAuthorized: true } } })
    world.service.authorized = true
    const client = await world.connect({ sharedSecret: undefined, accessToken: 'token' })
    await world.service.clock.advance(100)
    t.equal(lines(client).includes('video'), authorizedRole !== undefined)
    await t.rejects(world.during(client.iam.me()), 'ERR_DEVICE_NOT_FOUND')
    await t.rejects(world.during(client.iam.users()), 'ERR_DEVICE_FORBIDDEN')
  }
})

test('a description of another certificate ends the session', async (t) => {
  const world = await guardedWorld()
  const client = await world.connect()
  const [session] = [...world.camera.sessions]
  const { peerConnection } = session
  const sdp = peerConnection.remoteDescription?.sdp ?? ''
  const other = sdp.replace(/(sha-256 )(..)/, (_, name: string, byte: string) => name + (byte === '00' ? '01' : '00'))
  await peerConnection.setRemoteDescription({ type: 'offer', sdp })
  await peerConnection.setLocalDescription()
  t.equal(world.camera.sessions.size, 1, 'the same certificate again is fine')
  await peerConnection.setRemoteDescription({ type: 'offer', sdp: other })
  t.equal(world.camera.sessions.size, 1, 'an offer without an answer is not in force')
  await peerConnection.setLocalDescription()
  t.equal(world.camera.sessions.size, 0)
  t.equal(world.guard.connections.open.size, 0)
  client.close()
})

test('CoAP channels of a session: at the bound, and one more is closed', async (t) => {
  const world = await guardedWorld({ guard: { maxChannels: 2 } })
  const client = await world.connect()
  const second = client.viewer.peerConnection?.createDataChannel('nabto-coap')
  const third = client.viewer.peerConnection?.createDataChannel('coap')
  const other = client.viewer.peerConnection?.createDataChannel('chat')
  await world.service.clock.advance(100)
  t.same([second, third, other].map((channel) => channel?.readyState), ['open', 'closed', 'open'])
  second?.close()
  await world.service.clock.advance(100)
  const fourth = client.viewer.peerConnection?.createDataChannel('coap')
  await world.service.clock.advance(100)
  t.equal(fourth?.readyState, 'open')
  let answer = ''
  fourth?.addEventListener('message', ({ data }) => { answer = String(data) })
  fourth?.send('{"type":0,"requestId":"1","method":"GET","path":"/iam/me"}')
  await world.service.clock.advance(100)
  t.ok(answer.includes('"requestId":"1"') && answer.includes('"statusCode":404'))
})

test('proofs of one connection: at the bound, one more is refused, another connection is not', async (t) => {
  const world = await guardedWorld()
  const client = await world.connect()
  for (let count = 0; count < 5; count++) await world.during(client.verify({ fingerprint: world.fingerprint }))
  await t.rejects(world.during(client.verify({ fingerprint: world.fingerprint })), 'ERR_CHALLENGE_REFUSED')
  t.equal(client.verifiedDevice, undefined)
  const other = await world.connect()
  await world.during(other.verify({ fingerprint: world.fingerprint }))
  t.equal(other.verifiedDevice, world.fingerprint)
})

test('everything ends with the session', async (t) => {
  const world = await guardedWorld()
  const { admin, user } = await watching(world)
  t.equal(world.guard.connections.open.size, 2)
  user.close()
  await world.service.clock.advance(500)
  t.equal(world.guard.connections.open.size, 1)
  t.equal(world.showing.size, 1)
  world.camera.close()
  await world.service.clock.advance(500)
  t.equal(world.showing.size, 0)
  t.equal(world.guard.connections.open.size, 0)
  await t.rejects(world.during(admin.iam.me()), 'ERR_CLIENT_ENDED')
  await world.service.clock.advance(70_000)
  t.equal(world.service.clock.pendingTimers(), 0)
})

test('a picture that cannot be begun or ended ends its session, and no change of IAM fails for it', async (t) => {
  const world = await guardedWorld({ video: () => () => { throw new Error('the encoder is stuck') } })
  await watching(world)
  t.equal(world.camera.sessions.size, 2)
  await world.iam.users.delete('user')
  t.equal(world.camera.sessions.size, 1)
})

test('connections of a guard: one more than the bound is told so', async (t) => {
  const world = await guardedWorld({ guard: { connections: { limit: 1 } } })
  await world.connect()
  await t.rejects(world.connect(), 'ERR_CLIENT_ENDED')
  t.equal(world.camera.sessions.size, 1)
})

test('onclose of the program is called after the guard\'s own', async (t) => {
  const order: string[] = []
  const world: GuardedWorld = await guardedWorld({
    camera: {
      attach: (session) => {
        session.onclose = () => void order.push(`program, ${String(world.guard.connections.open.size)} left`)
        world.guard.attach(session)
      },
    },
  })
  const client = await world.connect()
  let ended: unknown
  client.viewer.on('ended', (error) => { ended = error })
  world.camera.close()
  await world.service.clock.advance(500)
  t.same(order, ['program, 0 left'])
  t.equal((ended as SignalingError).errorCode, 'CHANNEL_CLOSED')
})

test('strangers in every place, however many there are: the owner gets in, and so does the next one', async (t) => {
  const world = await guardedWorld({ camera: { maxSessions: 20 } })
  const strangers = []
  for (let count = 0; count < 20; count++) strangers.push(await world.connect())
  t.equal(world.camera.sessions.size, 20)
  const admin = await administrator(world)
  t.equal((await world.during(admin.iam.me())).username, 'admin')
  t.equal(world.camera.sessions.size, 20)
  await t.rejects(strangers[0].ready(), 'ERR_CLIENT_ENDED', 'the oldest has made room')
  await strangers[1].ready()
  for (let count = 0; count < 25; count++) await world.connect()
  t.equal((await world.during(admin.iam.me())).username, 'admin', 'who is known stays')
  t.equal(world.camera.sessions.size, 20)
})
