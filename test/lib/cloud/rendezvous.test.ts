import { createLocalFabric } from '../../../lib/cloud/local-fabric.ts'
import { DEFAULT_RENDEZVOUS_LIMITS, type RendezvousLimits } from '../../../lib/cloud/limits.ts'
import type { Registry } from '../../../lib/cloud/registry.ts'
import { openRendezvous, type Rendezvous } from '../../../lib/cloud/rendezvous.ts'
import { createSigner, deviceKeyId, generatePrivateKey, publicKeyToPem } from '../../../lib/crypto/index.ts'
import { es256SigningKey, signJwt } from '../../../lib/jwt/index.ts'
import { createMemoryHost } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { createLookups, FakeSocket, FRONT, type MemoryLookups } from './support.ts'

interface Scene {
  rendezvous: Rendezvous
  lookups: MemoryLookups
  kid: string
  /** Connects the device with a token made so many seconds ago. */
  connect: (secondsAgo: number) => Promise<{ signalingUrl: string }>
}

async function scene(limits: Partial<RendezvousLimits> = {}): Promise<Scene> {
  const host = createMemoryHost({ seed: 5 })
  const lookups = createLookups()
  const key = generatePrivateKey(host.random)
  const kid = deviceKeyId(key.publicKey)
  lookups.keys.set(kid, { ...FRONT, kid, publicKey: publicKeyToPem(key.publicKey), createdAt: 0 })
  let newest = 0
  const asked: Pick<Registry, 'acceptProof' | 'secret'> = {
    acceptProof: (_device, issuedAt) => {
      const accepted = issuedAt > newest
      newest = Math.max(newest, issuedAt)
      return Promise.resolve(accepted)
    },
    secret: (_name, fresh) => Promise.resolve(fresh),
  }
  const rendezvous = await openRendezvous(host, {
    registry: Object.assign(lookups, asked) as MemoryLookups & Registry, fabric: createLocalFabric(), limits: { ...DEFAULT_RENDEZVOUS_LIMITS, ...limits },
  })
  const signing = es256SigningKey(createSigner(key, { random: host.random, tableWindow: 2 }))
  const now = host.clock.nowMs() / 1000
  return {
    rendezvous,
    lookups,
    kid,
    async connect(secondsAgo) {
      const claims = { iat: now - secondsAgo, exp: now + 60, scope: 'device:connect', resource: 'urn:nabto:webrtc:wp-a:wd-front' }
      const token = await signJwt({ kid }, claims, signing)
      return rendezvous.connectDevice({ authorization: `Bearer ${token}`, body: FRONT, address: '192.0.2.1', webSocketBase: '' })
    },
  }
}

test('a key that is removed while its ticket is being checked seats nobody', async (t) => {
  const { rendezvous, lookups, kid, connect } = await scene()
  const ticket = (await connect(0)).signalingUrl.split('/').pop() ?? ''
  lookups.deviceKey = () => {
    // The registry finds the key; before its answer is here, the key is removed.
    const found = lookups.keys.get(kid)
    if (lookups.keys.delete(kid)) rendezvous.relay.revoke({ ...FRONT, kid })
    return Promise.resolve(found)
  }
  const socket = new FakeSocket()
  await t.rejects(rendezvous.admit(ticket, (grant) => rendezvous.seat(grant, socket)), 'ERR_RENDEZVOUS_FORBIDDEN')
  t.equal(rendezvous.relay.seated, 0)
  rendezvous.close()
})

test('tokens of long ago, shown again and again, do not keep their device out', async (t) => {
  const { rendezvous, connect } = await scene({ connectsPerDevicePerMinute: 2 })
  await connect(5)
  for (let n = 0; n < 5; n++) await t.rejects(connect(10), 'ERR_RENDEZVOUS_UNAUTHORIZED')
  await connect(4)
  await t.rejects(connect(3), 'ERR_RENDEZVOUS_TOO_MANY')
  rendezvous.close()
})
