// A service, a device and an OAuth server with every kind of token, and every door at which one can be shown.
import type { Test } from 'tap'
import { serverConnectTokenHash } from '../../../lib/access/index.ts'
import type { RunningRendezvous } from '../../../runtimes/node/service/index.ts'
import { HandMadeDevice } from './edge.ts'
import { openOauthDoor } from './oauth-door.ts'
import { OidcIssuer, type SigningKey } from './oidc-issuer.ts'
import { adminOf, DEVICE, makeKey, PRODUCT, registerTestDevice, request, seatDevice, serve, type TestKey, temporaryFolder } from './service.ts'
import { clientDoors, type Door, exchange, otherDoors } from './token-doors.ts'
import {
  altered, audienceOf, type Devices, listOf, opaqueKind, registeredSigner, resourceOf, RIGHT, signedKind, stsSigner, type TokenKind,
} from './token-kinds.ts'

export const RENDEZVOUS = 'https://rendezvous.test'
const STS = 'https://sts.test/sts'
const SUBJECT_AUDIENCE = 'https://sts.test'
const OPEN_PRODUCT = 'wp-open'

export const devices: Devices = {
  asked: { productId: PRODUCT, deviceId: DEVICE },
  otherDevice: { productId: PRODUCT, deviceId: 'wd-backdoorcamera99' },
  otherProduct: { productId: 'wp-garage', deviceId: DEVICE },
}
/** Server connect tokens of the three, and one that was removed. */
export const SCTS = { asked: 'frontDoor123', otherDevice: 'backDoor4567', otherProduct: 'garage890123', removed: 'oldFriend456' }

export interface TokenScene {
  service: RunningRendezvous
  issuer: OidcIssuer
  doors: Door[]
  openDoors: Door[]
  kinds: TokenKind[]
  openKinds: TokenKind[]
  /** On the seat of the device that is asked for. */
  device: HandMadeDevice
  /** Of the product. */
  owner: TestKey
  /** Of a device beside the one that is asked for. */
  otherDevice: TestKey
  /** What the OAuth server signs with. */
  issuing: SigningKey
}

/** One issuer for all that takes tokens of one, so that nothing but what a token is for tells them apart. */
export async function tokenScene(t: Test): Promise<TokenScene> {
  const issuer = await OidcIssuer.start(t)
  const dataDir = temporaryFolder(t)
  const many = 1_000_000
  const service = await serve(t, {
    dataDir,
    limits: { requestsPerAddressPerMinute: many, connectsPerDevicePerMinute: many, clientConnectsPerDevicePerMinute: many },
    iceServers: { stun: ['stun:127.0.0.1:3478'], turn: { urls: ['turn:127.0.0.1:3478'], secret: 'of this test' } },
    sts: { issuer: STS, subjectIssuers: [{ issuer: issuer.url, audience: SUBJECT_AUDIENCE, jwksUri: issuer.jwksUri }], devices: 'devices' },
  })
  const admin = adminOf(service)
  const clientJwt = { issuer: issuer.url, audience: RENDEZVOUS, jwksUri: issuer.jwksUri, claim: 'devices' }
  const owners = { [PRODUCT]: makeKey(), 'wp-garage': makeKey() }
  for (const [product, owner] of Object.entries(owners)) {
    await admin('PUT', `/products/${product}`, { anonymousClients: false, serverConnectTokens: true, clientJwt })
    await admin('POST', `/products/${product}/keys`, { publicKey: owner.publicPem })
  }
  const keys = {
    asked: await registerTestDevice(service),
    otherDevice: await registerTestDevice(service, { device: devices.otherDevice.deviceId }),
    otherProduct: await registerTestDevice(service, { product: devices.otherProduct.productId }),
  }
  const device = new HandMadeDevice(await seatDevice(t, service, keys.asked))
  await putTokens(service, keys.asked, devices.asked, [SCTS.asked, SCTS.removed])
  await putTokens(service, keys.asked, devices.asked, [SCTS.asked])
  await putTokens(service, keys.otherDevice, devices.otherDevice, [SCTS.otherDevice])
  await putTokens(service, keys.otherProduct, devices.otherProduct, [SCTS.otherProduct])

  // The same at a product that lets everybody through, where a token that is shown has to be good all the same.
  const openDevice = { productId: OPEN_PRODUCT, deviceId: DEVICE }
  await admin('PUT', `/products/${OPEN_PRODUCT}`, { anonymousClients: true, serverConnectTokens: true, clientJwt })
  const openOwner = makeKey()
  await admin('POST', `/products/${OPEN_PRODUCT}/keys`, { publicKey: openOwner.publicPem })
  const openKey = await registerTestDevice(service, { product: OPEN_PRODUCT })
  new HandMadeDevice(await seatDevice(t, service, openKey, { product: OPEN_PRODUCT }))
  await putTokens(service, openKey, openDevice, [SCTS.asked])

  const oauth = await openOauthDoor(t, { ...devices.asked, issuer: issuer.url, jwksUri: issuer.jwksUri })
  const oauthBySts = await openOauthDoor(t, { ...devices.asked, issuer: STS, jwksUri: `${service.url}/sts/.well-known/jwks.json` })
  const issuing = { rsa: await issuer.addKey('issuer-rsa-2026'), ec: await issuer.addKey('issuer-ec-2026', 'ES256') }
  const { keys: [stsKey] } = (await request(`${service.url}/sts/.well-known/jwks.json`, 'GET')).body as { keys: Record<string, unknown>[] }

  const signed = async (of: Devices, deviceKey: TestKey, owner: TestKey): Promise<TokenKind[]> => {
    const deviceSigners = new Map([
      [of.asked, await registeredSigner(deviceKey, deviceKey.deviceKid)],
      [of.otherDevice, await registeredSigner(keys.otherDevice, keys.otherDevice.deviceKid)],
      [of.otherProduct, await registeredSigner(keys.otherProduct, keys.otherProduct.deviceKid)],
    ])
    const ownerSigners = { own: await registeredSigner(owner, owner.productKid), other: await registeredSigner(owners['wp-garage'], owners['wp-garage'].productKid) }
    const rendezvousJwt = (key: typeof issuing.rsa): Promise<TokenKind> => signedKind({
      name: `rendezvous JWT, ${key.alg}`, key,
      claims: (asked) => ({ iss: issuer.url, sub: 'someone', aud: RENDEZVOUS, devices: ['x.y', listOf(asked)], scope: 'openid turn' }),
      wrongAudience: { 'for the STS': { aud: SUBJECT_AUDIENCE }, 'for two': { aud: [RENDEZVOUS, 'nabto://device?productId=x&deviceId=y'] }, 'another issuer': { iss: 'https://evil.test' }, 'no list': { devices: undefined } },
    }, of)
    return [
      await signedKind({
        name: 'device token', key: deviceSigners.get(of.asked) ?? ownerSigners.own, keyOf: (one) => deviceSigners.get(one) ?? ownerSigners.own,
        claims: (asked) => ({ scope: 'device:connect turn', resource: resourceOf(asked) }),
        wrongAudience: { 'resource of another device': { resource: resourceOf(of.otherDevice) }, 'scope of a client': { scope: 'client:connect' }, 'no scope': { scope: undefined } },
      }, of),
      await signedKind({
        name: 'client access token', key: ownerSigners.own, keyOf: ({ productId }) => (productId === of.asked.productId ? ownerSigners.own : ownerSigners.other),
        claims: (asked) => ({ scope: 'client:connect turn', resource: resourceOf(asked) }),
        wrongAudience: { 'scope of a device': { scope: 'device:connect' }, 'no scope': { scope: undefined }, 'no resource': { resource: undefined } },
      }, of),
      await rendezvousJwt(issuing.rsa),
      await rendezvousJwt(issuing.ec),
      await signedKind({
        name: 'OAuth token for the device', key: issuing.rsa,
        claims: (asked) => ({ iss: issuer.url, sub: 'someone', aud: audienceOf(asked), devices: [listOf(asked)] }),
        wrongAudience: { 'for the rendezvous': { aud: RENDEZVOUS }, 'almost': { aud: audienceOf(of.asked).toUpperCase() }, 'another issuer': { iss: STS } },
      }, of),
      await signedKind({
        name: 'STS subject token', key: issuing.rsa,
        claims: (asked) => ({ iss: issuer.url, sub: 'someone', aud: SUBJECT_AUDIENCE, devices: [listOf(asked)] }),
        wrongAudience: { 'for the rendezvous': { aud: RENDEZVOUS }, 'for a device too': { aud: [SUBJECT_AUDIENCE, audienceOf(of.otherDevice)] }, 'another issuer': { iss: 'https://evil.test' } },
      }, of),
      await signedKind({
        name: 'STS-issued token', key: await stsSigner(dataDir, JSON.stringify(stsKey)),
        claims: (asked) => ({ iss: STS, sub: 'someone', aud: audienceOf(asked), devices: [listOf(asked)] }),
        wrongAudience: { 'for the rendezvous': { aud: RENDEZVOUS }, 'for the STS': { aud: SUBJECT_AUDIENCE }, 'another issuer': { iss: issuer.url } },
        async right() {
          const subject = await issuer.sign(issuing.rsa, { aud: SUBJECT_AUDIENCE, devices: [listOf(of.asked)] })
          return String((await exchange(service, subject, of.asked)).body.access_token)
        },
      }, of),
    ]
  }
  const openedBy = async (owner: TestKey): Promise<string> => {
    const token = await owner.sign({ iat: now(), exp: now() + 60, scope: 'client:connect turn', resource: resourceOf(devices.asked) }, { kid: owner.productKid })
    return String((await request(`${service.url}/v1/client/connect`, 'POST', { token, body: devices.asked })).body.signalingUrl).split('/seat/')[1]
  }
  const turn = async (): Promise<{ username: string; credential: string }> => {
    const token = await owners[PRODUCT].sign({ iat: now(), exp: now() + 60, scope: 'client:connect turn', resource: resourceOf(devices.asked) }, { kid: owners[PRODUCT].productKid })
    const { iceServers } = (await request(`${service.url}/v1/ice-servers`, 'POST', { token, body: devices.asked })).body as { iceServers: { username: string; credential: string }[] }
    return iceServers[1]
  }
  const ticket = await openedBy(owners[PRODUCT])
  const { username, credential } = await turn()
  const opaque = [
    opaqueKind('SCT', {
      [RIGHT]: SCTS.asked, 'other device': SCTS.otherDevice, 'other product': SCTS.otherProduct, 'removed': SCTS.removed, 'in another case': SCTS.asked.toUpperCase(),
      'cut short': SCTS.asked.slice(0, -1), 'its hash': serverConnectTokenHash(devices.asked, SCTS.asked),
    }),
    opaqueKind('client\'s seat URL', { [RIGHT]: ticket, 'altered': altered(ticket), 'cut short': ticket.slice(0, -1) }),
    opaqueKind('TURN credential', { [RIGHT]: credential, 'its user name': username, 'both': `${username}:${credential}` }),
    opaqueKind('admin token', { [RIGHT]: service.adminToken, 'altered': altered(service.adminToken) }),
  ]
  return {
    service, issuer, device, owner: owners[PRODUCT], otherDevice: keys.otherDevice, issuing: issuing.rsa,
    doors: [...clientDoors(t, service, devices.asked), ...otherDoors(t, service, devices.asked, { sct: SCTS.asked, oauth, oauthBySts })],
    openDoors: clientDoors(t, service, openDevice),
    kinds: [...await signed(devices, keys.asked, owners[PRODUCT]), ...opaque],
    openKinds: [...await signed({ ...devices, asked: openDevice }, openKey, openOwner), ...opaque],
  }
}

const now = (): number => Math.floor(Date.now() / 1000)

async function putTokens(service: RunningRendezvous, key: TestKey, device: Devices['asked'], tokens: string[]): Promise<void> {
  const token = await key.sign({ iat: now(), exp: now() + 60, scope: 'device:connect', resource: resourceOf(device) })
  const { status } = await request(`${service.url}/v1/device/server-connect-tokens`, 'PUT', { token, body: { ...device, hashes: tokens.map((one) => serverConnectTokenHash(device, one)) } })
  if (status !== 200) throw new Error(`tokens were not taken: ${status}`)
}
