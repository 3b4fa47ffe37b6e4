import { concatBytes, decodeBase64url, decodeUtf8, encodeBase64url, encodeUtf8, equalBytes } from '../bytes/index.ts'
import { hmacSha256 } from '../crypto/index.ts'
import type { NativeCrypto } from '../runtime/index.ts'
import { forbidden } from './errors.ts'
import type { SeatGrant } from './seats.ts'

/** What the WebSocket URL carries: the right to a seat. */
export interface Ticket {
  grant: SeatGrant
  /** Milliseconds since 1970. */
  expiresAtMs: number
}

/** Tickets that any node with the same secret can check without asking another (§11.3, §11.4). */
export interface Tickets {
  /** URL-safe text. */
  seal(ticket: Ticket): string
  /** @throws {RendezvousError} 403 for a ticket that was not made here, was changed, or has expired */
  open(text: string, nowMs: number): Ticket
}

const MAC_LENGTH = 32
const MAX_TICKET_LENGTH = 1024

/** @param secret - 32 random bytes or more */
export function createTickets(secret: Uint8Array, host: { nativeCrypto?: NativeCrypto }): Tickets {
  const macOf = (content: Uint8Array): Uint8Array => hmacSha256(secret, content, host.nativeCrypto)
  return {
    seal({ grant, expiresAtMs }) {
      const { productId, deviceId, kid, channelId, order } = grant
      const content = encodeUtf8(JSON.stringify([productId, deviceId, kid ?? 0, channelId ?? 0, order.issuedAt, order.serial, expiresAtMs]))
      return encodeBase64url(concatBytes(macOf(content), content))
    },
    open(text, nowMs) {
      const bytes = readText(text)
      const content = bytes.subarray(MAC_LENGTH)
      if (bytes.length <= MAC_LENGTH || !equalBytes(bytes.subarray(0, MAC_LENGTH), macOf(content))) throw notOurs()
      // Made by `seal`: the MAC has shown it.
      type Content = [string, string, string | 0, string | 0, number, number, number]
      const [productId, deviceId, kid, channelId, issuedAt, serial, expiresAtMs] = JSON.parse(decodeUtf8(content)) as Content
      if (nowMs >= expiresAtMs) throw forbidden('this URL has expired; connect again for a new one')
      const grant = { productId, deviceId, kid: kid === 0 ? undefined : kid, channelId: channelId === 0 ? undefined : channelId, order: { issuedAt, serial } }
      return { grant, expiresAtMs }
    },
  }
}

function readText(text: string): Uint8Array {
  if (text.length > MAX_TICKET_LENGTH) throw notOurs()
  try {
    return decodeBase64url(text)
  } catch {
    throw notOurs()
  }
}

const notOurs = (): Error => forbidden('this is no URL that the service gave out; connect again for a new one')
