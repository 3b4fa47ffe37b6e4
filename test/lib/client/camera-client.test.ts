// Requests to a camera, and what goes out to whom: proof before credentials, somebody between, channels that close.
import type { VirtualConnection } from '../../../lib/access/index.ts'
import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import { createIamRequests } from '../../../lib/client/iam-client.ts'
import { type ClientError, RefusedError } from '../../../lib/client/index.ts'
import { contentFormats, createCoapRouter } from '../../../lib/coap/index.ts'
import type { DataChannel, SessionDescription } from '../../../lib/webrtc/index.ts'
import { MemoryPeerConnections, type MemoryPeerConnection } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { administrator, type Client, guardedWorld, type GuardedWorld } from './guarded-world.ts'

const adminPassword = ({ iam }: GuardedWorld): string => iam.users.find('admin')?.password ?? ''

test('proof, then login, and the proof holds for this connection alone', async (t) => {
  const world = await guardedWorld()
  const client = await world.connect()
  t.equal(client.verifiedDevice, undefined)
  await world.during(client.verify({ fingerprint: world.fingerprint.toUpperCase() }))
  t.equal(client.verifiedDevice, world.fingerprint)
  await world.during(client.authenticate({ username: 'admin', password: adminPassword(world) }))
  const me = await world.during(client.iam.me())
  t.equal(me.username, 'admin')
  t.equal(me.fingerprints.length, 0)
  t.ok(me.serverConnectToken)
  client.close()
  t.equal(client.verifiedDevice, undefined)
  t.equal((await world.connect()).verifiedDevice, undefined)
})

test('no credential goes out on an unverified connection, unless told so by name', async (t) => {
  const world = await guardedWorld()
  const client = await world.connect()
  const attempts = (): number => world.iam.audit.events({ limit: 1000 }).filter(({ kind }) => kind === 'authentication').length
  const logins = attempts()
  const login = { username: 'admin', password: adminPassword(world) }
  await t.rejects(world.during(client.authenticate(login)), 'ERR_CLIENT_UNVERIFIED')
  await t.rejects(world.during(client.iam.setPassword('admin', 'new password')), 'ERR_CLIENT_UNVERIFIED')
  await t.rejects(world.during(client.iam.pair({ mode: 'password-invite', ...login })), 'ERR_CLIENT_UNVERIFIED')
  await t.rejects(world.during(client.iam.invite({ username: 'user', role: 'Guest', frontEnd: 'https://page.test/' })), 'ERR_CLIENT_UNVERIFIED')
  t.equal(attempts(), logins)
  await world.during(client.authenticate({ ...login, onUnverified: 'allow' }))
  t.equal((await world.during(client.iam.me())).username, 'admin')
  await t.rejects(world.during(client.iam.setPassword('admin', 'new password')), 'ERR_CLIENT_UNVERIFIED')
  await world.during(client.iam.setPassword('admin', 'new password', { onUnverified: 'allow' }))
  t.equal(adminPassword(world), 'new password')
})

test('another device than the one expected', async (t) => {
  const world = await guardedWorld()
  const client = await world.connect()
  await world.during(client.verify({ fingerprint: world.fingerprint }))
  await t.rejects(world.during(client.verify({ fingerprint: 'ab'.repeat(32) })), 'ERR_CHALLENGE_DEVICE')
  t.equal(client.verifiedDevice, undefined)
  await t.rejects(world.during(client.authenticate({ username: 'admin', password: adminPassword(world) })), 'ERR_CLIENT_UNVERIFIED')
  await t.rejects(world.during(client.verify({ fingerprint: 'short' })), 'TypeError')
})

test('a wrong password', async (t) => {
  const world = await guardedWorld()
  const client = await world.connect()
  await world.during(client.verify({ fingerprint: world.fingerprint }))
  await t.rejects(world.during(client.authenticate({ username: 'admin', password: 'no' })), 'ERR_PASSWORD_WRONG')
  await t.rejects(world.during(client.iam.me()), 'ERR_DEVICE_NOT_FOUND')
})

/** A service that puts itself between: a camera to the client, a client to the camera, and every message passed on. */
async function between(world: GuardedWorld, connections: MemoryPeerConnections): Promise<{ client: Client; during: GuardedWorld['during'] }> {
  const theirs = await world.connect()
  const fake = await guardedWorld({
    connections,
    camera: {
      attach({ peerConnection }): void {
        peerConnection.addEventListener('datachannel', ({ channel: near }) => {
          const far = theirs.viewer.peerConnection?.createDataChannel('coap')
          if (far !== undefined) join(near, far)
        })
      },
    },
  })
  const client = await fake.connect()
  let winding = true
  const wind = async (): Promise<void> => {
    for (let ms = 0; winding && ms < 20_000; ms++) {
      await world.service.clock.advance(1)
      await fake.service.clock.advance(1)
    }
  }
  return {
    client,
    async during<Result>(promise: Promise<Result>): Promise<Result> {
      winding = true
      void wind()
      try {
        return await promise
      } finally {
        winding = false
      }
    },
  }
}

function join(one: DataChannel, other: DataChannel): void {
  for (const [from, to] of [[one, other], [other, one]]) {
    const waiting: unknown[] = []
    const pass = (data: unknown): void => {
      if (typeof data === 'string') to.send(data)
      else to.send(new Uint8Array(data as ArrayBuffer))
    }
    from.addEventListener('message', ({ data }) => {
      if (to.readyState === 'open') pass(data)
      else waiting.push(data)
    })
    to.addEventListener('open', () => { waiting.splice(0).forEach(pass) })
  }
}

test('somebody between who relays everything, the challenge and the login included', async (t) => {
  const connections = new MemoryPeerConnections()
  const world = await guardedWorld({ connections })
  const { client, during } = await between(world, connections)
  t.ok((await during(client.iam.pairing())).modes.length > 0, 'requests do reach the real device')
  await t.rejects(during(client.verify({ fingerprint: world.fingerprint })), 'ERR_CHALLENGE_CLIENT_FINGERPRINT')
  const login = { username: 'admin', password: adminPassword(world) }
  await t.rejects(during(client.authenticate(login)), 'ERR_CLIENT_UNVERIFIED')
  await t.rejects(during(client.authenticate({ ...login, onUnverified: 'allow' })), 'ERR_PASSWORD_WRONG')
  await t.rejects(during(client.iam.me()), 'ERR_DEVICE_NOT_FOUND')
  t.equal(world.showing.size, 0)
})

/** A connection that shows another certificate in one of its descriptions once it is up. */
function lying(connection: MemoryPeerConnection, about: 'localDescription' | 'remoteDescription'): MemoryPeerConnection {
  return new Proxy(connection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value === 'function') return (value as (...args: unknown[]) => unknown).bind(target)
      const description = target[about]
      return name === about && description !== null && target.connectionState === 'connected' ? { type: description.type, sdp: swap(description.sdp) } : value
    },
  })
}

const swap = (sdp: string): string => sdp.replace(/sha-256 .*/, `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`)

test('descriptions with other fingerprints than those of the session', async (t) => {
  for (const [about, code] of [['localDescription', 'ERR_CHALLENGE_CLIENT_FINGERPRINT'], ['remoteDescription', 'ERR_CHALLENGE_DEVICE_FINGERPRINT']] as const) {
    const connections = new MemoryPeerConnections()
    const world = await guardedWorld({ connections })
    const client = await world.connect({ createPeerConnection: () => lying(connections.create(), about) })
    await t.rejects(world.during(client.verify({ fingerprint: world.fingerprint })), code)
    await t.rejects(world.during(client.authenticate({ username: 'admin', password: adminPassword(world) })), 'ERR_CLIENT_UNVERIFIED')
  }
})

test('descriptions that the service changes on their way: nothing comes up', async (t) => {
  const connections = new MemoryPeerConnections()
  const world = await guardedWorld({ connections, camera: { connectionTimeoutMs: 5000 } })
  await t.rejects(world.connect({
    createPeerConnection() {
      const connection = connections.create()
      const take = connection.setRemoteDescription.bind(connection)
      return Object.assign(connection, { setRemoteDescription: ({ type, sdp }: SessionDescription) => take({ type, sdp: swap(sdp) }) })
    },
  }), 'ERR_CLIENT_ENDED')
  t.equal(world.camera.sessions.size, 0)
  t.equal(world.channels.length, 0)
})

test('a certificate that changes in mid-session ends it', async (t) => {
  const world = await guardedWorld()
  const client = await world.connect()
  await world.during(client.verify({ fingerprint: world.fingerprint }))
  let ended: unknown
  client.viewer.on('ended', (error) => { ended = error })
  const connection = client.viewer.peerConnection
  await connection?.setRemoteDescription({ type: 'offer', sdp: swap(connection.remoteDescription?.sdp ?? '') })
  await connection?.setLocalDescription()
  t.equal((ended as ClientError).code, 'ERR_SDP_FINGERPRINT_CHANGED')
  t.equal(client.verifiedDevice, undefined)
  await t.rejects(client.ready(), 'ERR_CLIENT_ENDED')
})

test('a channel that closes while a POST runs: it is opened again, and the POST has run once', async (t) => {
  const world = await guardedWorld()
  let runs = 0
  let finish: () => void = () => undefined
  world.router.on('POST', '/count', async () => {
    runs++
    await new Promise<void>((resolve) => { finish = resolve })
    return { code: '2.01', contentFormat: contentFormats.text, payload: Uint8Array.of(48 + runs) }
  })
  for (const framing of ['not known yet', 'compact']) {
    const client = await world.connect()
    if (framing === 'compact') await world.during(client.iam.pairing())
    runs = 0
    const answer = client.coap('POST', '/count')
    await world.service.clock.advance(10)
    t.equal(runs, 1, framing)
    world.channels[world.channels.length - 1].close()
    await world.service.clock.advance(10)
    const waiting = client.iam.pairing()
    finish()
    await world.service.clock.advance(1000)
    t.same((await world.during(answer)).payload, Uint8Array.of(49), framing)
    t.ok((await world.during(waiting)).modes.length > 0, 'what was asked in between is answered too')
    t.equal(runs, 1, framing)
    client.close()
  }
})

test('a channel that closes again and again is opened at growing distances, one that lived for long at once', async (t) => {
  let channels: DataChannel[] = []
  let closeAll = true
  const world = await guardedWorld({
    camera: {
      attach({ peerConnection }): void {
        peerConnection.addEventListener('datachannel', ({ channel }) => {
          channels.push(channel)
          channel.addEventListener('open', () => { if (closeAll) channel.close() })
        })
      },
    },
  })
  const client = await world.connect()
  await world.service.clock.advance(60_000)
  t.ok(channels.length > 8 && channels.length < 16, `${channels.length} in a minute`)
  closeAll = false
  await world.service.clock.advance(20_000)
  channels[channels.length - 1].close()
  channels = []
  await world.service.clock.advance(249)
  t.equal(channels.length, 0)
  await world.service.clock.advance(2)
  t.equal(channels.length, 1)
  channels[0].close()
  client.close()
  await world.service.clock.advance(60_000)
  t.equal(channels.length, 1)
})

test('a session that has ended says so to everything that waits, and to what comes later', async (t) => {
  const world = await guardedWorld()
  world.router.on('GET', '/never', () => new Promise(() => undefined))
  const client = await world.connect()
  const waiting = client.coap('GET', '/never')
  await world.service.clock.advance(10)
  client.close()
  await t.rejects(world.during(waiting), 'ERR_CLIENT_ENDED')
  await t.rejects(client.coap('GET', '/iam/me'), 'ERR_CLIENT_ENDED')
  await t.rejects(client.ready(), 'ERR_CLIENT_ENDED')
  await t.rejects(client.verify({ fingerprint: world.fingerprint }), 'ERR_CLIENT_ENDED')
})

test('the four ways of pairing', async (t) => {
  const world = await guardedWorld()
  const admin = await administrator(world)
  await t.rejects(world.during((await world.connect()).iam.pair({ mode: 'local-open', username: 'me' })), 'ERR_DEVICE_NOT_FOUND')
  await t.rejects(world.during((await world.connect()).iam.pair({ mode: 'local-initial' })), 'ERR_DEVICE_NOT_FOUND')
  await world.iam.setPairingMode('localOpenPairing', true)
  await world.iam.setPairingMode('localInitialPairing', true)
  await t.rejects(world.during((await world.connect()).iam.pair({ mode: 'local-open', username: 'me' })), 'ERR_DEVICE_FORBIDDEN', 'WebRTC is never local')
  await t.rejects(world.during((await world.connect()).iam.pair({ mode: 'local-initial' })), 'ERR_DEVICE_FORBIDDEN')

  await world.during(admin.iam.setSetting('passwordOpenPairing', true))
  const { openPairingPassword = '' } = await world.during(admin.iam.settings())
  const open = await world.connect()
  await world.during(open.verify({ fingerprint: world.fingerprint }))
  await world.during(open.iam.pair({ mode: 'password-open', username: 'me', password: openPairingPassword, fingerprintName: 'my browser' }))
  const me = await world.during(open.iam.me())
  t.equal(me.role, 'Guest')
  t.equal(me.fingerprints[0].name, 'my browser')
  await world.service.clock.advance(100)
  t.equal(world.showing.size, 2)
  await world.during(admin.iam.deleteUser('me'))
  t.equal(world.showing.size, 1, 'a user by key is gone at once too')

  await world.during(admin.iam.createUser('friend'))
  await world.during(admin.iam.setRole('friend', 'Guest'))
  await world.during(admin.iam.setPassword('friend', 'a password'))
  const friend = await world.connect()
  await world.during(friend.verify({ fingerprint: world.fingerprint }))
  await world.during(friend.iam.pair({ mode: 'password-invite', username: 'friend', password: 'a password' }))
  t.equal((await world.during(friend.iam.me())).username, 'friend')
  t.equal(world.iam.users.find('friend')?.password, undefined)
})

test('managing users and the device', async (t) => {
  const world = await guardedWorld()
  const { iam } = await administrator(world)
  t.same([...await world.during(iam.roles())], ['Administrator', 'Standard', 'Guest', 'Unpaired'])
  const created = await world.during(iam.createUser('user'))
  t.equal(created.username, 'user')
  await t.rejects(world.during(iam.createUser('user')), 'ERR_DEVICE_CONFLICT')
  await t.rejects(world.during(iam.createUser('No Name')), 'ERR_DEVICE_REFUSED')
  await t.rejects(world.during(iam.user('nobody')), 'ERR_DEVICE_NOT_FOUND')
  await t.rejects(world.during(iam.user('a/b')), 'RangeError')
  await world.during(iam.setDisplayName('user', 'A user'))
  await world.during(iam.setUsername('user', 'renamed'))
  t.equal((await world.during(iam.user('renamed'))).displayName, 'A user')
  await world.during(iam.setFriendlyName('Front door'))
  t.equal((await world.during(iam.pairing())).friendlyName, 'Front door')
  await t.rejects(world.during(iam.invite({ username: 'other', role: 'No such role', frontEnd: 'https://page.test/' })), 'ERR_DEVICE_NOT_FOUND')
  t.same([...await world.during(iam.users())], ['admin', 'renamed'], 'nothing is left of an invitation that failed')
})

test('an answer of another form', async (t) => {
  const router = createCoapRouter<VirtualConnection>()
  const answers: Uint8Array[] = [Uint8Array.of(0xff), Uint8Array.of(0x01), Uint8Array.of(0xa0), encodeUtf8('text'), new Uint8Array(0)]
  let next = 0
  for (const path of ['/me', '/users', '/pairing']) router.on('GET', `/their${path}`, () => ({ code: '2.05', contentFormat: contentFormats.cbor, payload: answers[next] }))
  const requests = createIamRequests((method, path) => router.handle({ method, segments: ['their', path.slice(5)], payload: new Uint8Array(0) }, undefined as never))
  for (; next < answers.length; next++) {
    for (const ask of ['me', 'users', 'pairing'] as const) await t.rejects(requests[ask](), 'ERR_CLIENT_ANSWER')
  }
})

test('what a device says with a refusal is shown without control characters, and not at any length', (t) => {
  const textOf = (payload: Uint8Array): string => new RefusedError({ code: '4.03', payload }).message
  t.equal(textOf(encodeUtf8('no\u001b[2Jway\n')), 'the device answered 4.03 no [2Jway ')
  t.equal(textOf(Uint8Array.of(0xff)), 'the device answered 4.03')
  t.ok(textOf(encodeUtf8('x'.repeat(256))).includes('xxx'))
  t.equal(textOf(encodeUtf8('x'.repeat(257))), 'the device answered 4.03')
})

test('by password alone: the login proves the device, and then its key can be learned', async (t) => {
  const world = await guardedWorld({ camera: { access: { guarded: true } } })
  const password = world.iam.users.find('admin')?.password ?? ''
  const client = await world.connect({ sharedSecret: undefined })
  await t.rejects(world.during(client.verify()), 'ERR_CLIENT_UNVERIFIED')
  await t.rejects(world.during(client.authenticate({ username: 'admin', password: 'not this one', onUnverified: 'allow' })), 'ERR_PASSWORD_WRONG')
  await t.rejects(world.during(client.verify()), 'ERR_CLIENT_UNVERIFIED')
  await world.during(client.authenticate({ username: 'admin', password, onUnverified: 'allow' }))
  t.equal(client.verifiedDevice, undefined)
  t.equal(await world.during(client.verify()), world.fingerprint)
  t.equal(client.verifiedDevice, world.fingerprint)
})
