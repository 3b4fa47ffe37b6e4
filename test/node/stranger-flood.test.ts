// Strangers at the rendezvous: what they cost the device, and what they can learn about it.
import tap, { type Test } from 'tap'
import type { DeviceIds } from '../../lib/cloud/index.ts'
import { type RunningRendezvous } from '../../runtimes/node/service/index.ts'
import { openEdge } from './support/edge.ts'
import { adminOf, makeKey, PRODUCT } from './support/service.ts'
import { devices, RENDEZVOUS, SCTS, tokenScene, type TokenScene } from './support/token-scene.ts'
import { listOf, resourceOf } from './support/token-kinds.ts'

tap.setTimeout(170_000)

const FLOOD = 10_000
const AT_ONCE = 16

type Show = (device: DeviceIds, token: string | undefined) => Promise<string>

/** Everything that a door says, in one text. */
function doorsOf(t: Test, service: RunningRendezvous): Record<string, Show> {
  const http = (method: string, path: string, more = {}): Show => async (device, token) => {
    const headers: Record<string, string> = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
    const response = await fetch(service.url + path, { method, headers, body: JSON.stringify({ ...device, ...more }) })
    const said = [...response.headers].filter(([name]) => name !== 'date')
    return JSON.stringify([response.status, said, await response.text()])
  }
  const edge = (member: string): Show => async (device, token) => {
    const browser = await openEdge(t, service)
    browser.send({ type: 20, ...device, [member]: token })
    const closed = await browser.hasClosed()
    return JSON.stringify([closed, browser.frames])
  }
  return {
    'client connect': http('POST', '/v1/client/connect'), 'ice-servers': http('POST', '/v1/ice-servers'),
    'device connect': http('POST', '/v1/device/connect'), 'put SCTs': http('PUT', '/v1/device/server-connect-tokens', { hashes: [] }),
    'Edge sct': edge('sct'), 'Edge jwt': edge('jwt'),
  }
}

/** What strangers may show who ask for this device: nothing, guesses, what was given to others, what is over. */
async function strangersTokens({ issuer, issuing, owner, otherDevice }: TokenScene, device: DeviceIds): Promise<Record<string, string | undefined>> {
  const now = Math.floor(Date.now() / 1000)
  const stranger = makeKey()
  const claims = (changes = {}): Record<string, unknown> => ({ iat: now - 600, exp: now + 3600, scope: 'client:connect device:connect turn', resource: resourceOf(device), ...changes })
  const ofOwner = (changes = {}): Promise<string> => owner.sign(claims(changes), { kid: owner.productKid })
  const ofIssuer = (changes = {}): Promise<string> => issuer.sign(issuing, { iat: now - 600, aud: RENDEZVOUS, devices: [listOf(device)], ...changes })
  return {
    'nothing': undefined, 'a guessed SCT': 'guessed12345', 'an SCT of another device': SCTS.otherDevice, 'no token at all': 'a.b.c',
    'a client access token by a stranger': await stranger.sign(claims(), { kid: stranger.productKid }),
    'a client access token for another device': await ofOwner({ resource: resourceOf(devices.otherDevice) }),
    'a client access token that is over': await ofOwner({ exp: now - 300 }),
    'a client access token of another scope': await ofOwner({ scope: 'other' }),
    'a JWT that lists others': await ofIssuer({ devices: [listOf(devices.otherDevice)] }),
    'a JWT that is over': await ofIssuer({ exp: now - 300 }),
    'a JWT for another service': await ofIssuer({ aud: 'https://other.test' }),
    'a device token by a stranger': await stranger.sign(claims()),
    'a device token by another device': await otherDevice.sign(claims()),
  }
}

void tap.test('strangers', { timeout: 170_000 }, async (t) => {
  const scene = await tokenScene(t)
  const { service, device } = scene
  const offline = { productId: PRODUCT, deviceId: 'wd-neverconnected1' }
  await adminOf(service)('PUT', `/products/${PRODUCT}/devices/${offline.deviceId}`, { publicKey: makeKey().publicPem })
  const missing = { productId: PRODUCT, deviceId: 'wd-nosuchdevice123' }
  const doors = doorsOf(t, service)
  const shown = await strangersTokens(scene, devices.asked)
  await device.socket.flush()
  const before = device.socket.relayed.length
  // Free for good tokens of any scope (protocol/webrtc-signaling.md §2), and these are the product's own.
  const isFree = (door: string, what: string): boolean => door === 'ice-servers' && what === 'a client access token of another scope'
  const attempts = Object.entries(doors).flatMap(([door, show]) => Object.entries(shown).filter(([what]) => !isFree(door, what)).map(([what, token]) => ({ door, show, what, token })))

  await t.test('a device that is there, one that is away and one that there is not answer alike', async (t) => {
    const elsewhere = [await strangersTokens(scene, offline), await strangersTokens(scene, missing)]
    for (const { door, show, what, token } of attempts) {
      const answer = await show(devices.asked, token)
      t.match(answer, /^\[(401|403|\{"code":4002)/, `${what} at ${door}`)
      t.equal(await show(offline, elsewhere[0][what]), answer, `${what} at ${door}: away`)
      t.equal(await show(missing, elsewhere[1][what]), answer, `${what} at ${door}: none`)
    }
  })

  await t.test(`${FLOOD} refused connects: no frame reaches the device`, async (t) => {
    const outcomes = new Map<string, number>()
    // A socket of its own costs the test far more than a request.
    const requests = attempts.filter(({ door }) => !door.startsWith('Edge'))
    const turns = [...attempts, ...requests, ...requests]
    let next = 0
    const knock = async (): Promise<void> => {
      for (let at = next++; at < FLOOD; at = next++) {
        const { door, show, token } = turns[at % turns.length]
        const outcome = `${door} ${/\d+/.exec(await show(devices.asked, token))?.[0]}`
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, knock))
    t.equal([...outcomes.values()].reduce((sum, count) => sum + count), FLOOD)
    for (const [outcome, count] of outcomes) t.match(outcome, / (401|403|4002)$/, `${count} times`)
    await device.socket.flush()
    t.equal(device.socket.relayed.length - before, 0, 'frames that reached the device')
    t.equal(device.socket.closed, undefined)
  })
})
