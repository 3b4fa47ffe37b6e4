// Every door at which a token can be shown, each asked for one and the same device.
import { serverConnectTokenHash } from '../../../lib/access/index.ts'
import type { DeviceIds } from '../../../lib/cloud/index.ts'
import type { RunningRendezvous } from '../../../runtimes/node/service/index.ts'
import type { OauthDoor } from './oauth-door.ts'
import { openEdge } from './edge.ts'
import { request, TestSocket } from './service.ts'
import { audienceOf } from './token-kinds.ts'

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

export interface Door {
  name: string
  /** What came of it, in the words of the door. Undefined shows no token. */
  show: (token: string | undefined) => Promise<string>
}

/** Whether an outcome let somebody in. */
export function isIn(outcome: string): boolean {
  return /^(2\d\d|101|LOGIN_RESPONSE|2\.\d\d)/.test(outcome)
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/** Form fields of protocol/edge-webrtc.md §6. */
export async function exchange(service: RunningRendezvous, subjectToken: string, device: DeviceIds): Promise<{ status: number; body: Record<string, unknown> }> {
  const fields = { grant_type: EXCHANGE, subject_token: subjectToken, subject_token_type: ACCESS_TOKEN, resource: audienceOf(device) }
  const response = await fetch(`${service.url}/sts/token`, { method: 'POST', body: new URLSearchParams(fields) })
  return { status: response.status, body: await response.json() as Record<string, unknown> }
}

/** The doors of a service to a client that asks for this device. */
export function clientDoors(t: TearDown, service: RunningRendezvous, device: DeviceIds): Door[] {
  const edge = (member: 'sct' | 'jwt'): Door => ({
    name: `Edge ${member}`,
    async show(token) {
      const browser = await openEdge(t, service)
      browser.send({ type: 20, ...device, [member]: token })
      await Promise.race([browser.has(1), browser.hasClosed()]).catch(() => undefined)
      if (browser.closed !== undefined) return String(browser.closed.code)
      await browser.close()
      return 'LOGIN_RESPONSE'
    },
  })
  const post = async (path: string, token: string | undefined): ReturnType<typeof request> => request(service.url + path, 'POST', { token, body: device })
  return [
    { name: 'client connect', show: async (token) => String((await post('/v1/client/connect', token)).status) },
    {
      name: 'ice-servers',
      async show(token) {
        const { status, body: { iceServers } } = await post('/v1/ice-servers', token)
        return status === 200 ? `200 ${(iceServers as { credential?: string }[]).some(({ credential }) => credential !== undefined) ? 'TURN' : 'STUN'}` : String(status)
      },
    },
    edge('sct'),
    edge('jwt'),
  ]
}

/** The rest of a service's doors, and those of the device. @param sct - what the device has now, told again by whoever may */
export function otherDoors(
  t: TearDown, service: RunningRendezvous, device: DeviceIds, { sct, oauth, oauthBySts }: { sct: string; oauth: OauthDoor; oauthBySts: OauthDoor },
): Door[] {
  return [
    { name: 'device connect', show: async (token) => String((await request(`${service.url}/v1/device/connect`, 'POST', { token, body: device })).status) },
    {
      name: 'put SCTs',
      show: async (token) => String((await request(`${service.url}/v1/device/server-connect-tokens`, 'PUT', { token, body: { ...device, hashes: [serverConnectTokenHash(device, sct)] } })).status),
    },
    {
      name: 'seat',
      async show(token = '') {
        try {
          const socket = await TestSocket.open(t, `${service.url.replace('http', 'ws')}/v1/seat/${encodeURIComponent(token)}`)
          await socket.close()
          return '101'
        } catch (thrown) {
          return (thrown as Error).message.replace('refused with ', '')
        }
      },
    },
    {
      name: 'STS',
      async show(token = '') {
        const { status, body: { error = '' } } = await exchange(service, token, device)
        return `${status} ${error as string}`.trim()
      },
    },
    { name: 'device OAuth', show: (token = '') => oauth.post(token) },
    { name: 'device OAuth, STS', show: (token = '') => oauthBySts.post(token) },
    { name: 'admin', show: async (token) => String((await request(`${service.url}/admin/v1/products/${device.productId}/devices`, 'GET', { token })).status) },
  ]
}
