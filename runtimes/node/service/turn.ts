import { createHmac, randomBytes } from 'node:crypto'
import type { IceServerSource } from '../../../lib/cloud/index.ts'

export interface IceServerOptions {
  /** Given to everyone, such as `stun:stun.example.org:3478`. */
  stun?: string[]
  /** Given to tokens whose scope holds `turn`. */
  turn?: {
    /** Such as `turn:turn.example.org:3478?transport=udp`. */
    urls: string[]
    /** The `static-auth-secret` of the TURN server. */
    secret: string
    /** How long credentials can open allocations; default a quarter of an hour: whoever needs them longer asks again. */
    lifetimeSeconds?: number
  }
}

/**
 * ICE servers with the time-limited credentials that coturn checks (`use-auth-secret`): the user name is the second at
 * which they end and a name, the credential an HMAC-SHA1 of it (draft-uberti-behave-turn-rest-00 §2.2). The name is of the
 * device and of one session, so that the server can hold each to its share (`user-quota`), and its log says whose it was.
 */
export function createIceServerSource({ stun = [], turn }: IceServerOptions): IceServerSource {
  const free = stun.length === 0 ? [] : [{ urls: stun }]
  return ({ productId, deviceId, turn: wanted }) => {
    if (!wanted || turn === undefined) return free
    const username = `${Math.floor(Date.now() / 1000) + (turn.lifetimeSeconds ?? 900)}:${productId}/${deviceId}/${randomBytes(6).toString('base64url')}`
    const credential = createHmac('sha1', turn.secret).update(username).digest('base64')
    return [...free, { urls: turn.urls, username, credential }]
  }
}
