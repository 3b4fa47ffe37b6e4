import { isFingerprint } from '../iam/limits.ts'
import { ClientError } from './errors.ts'

/** What an invitation holds. Whoever has it is the user, for as long as the password stays what it is. */
export interface PairingLink {
  /** Page that the link leads to, without what follows `?`. */
  readonly frontEnd: string
  readonly productId: string
  readonly deviceId: string
  /** Empty for the open-pairing password. */
  readonly username: string
  readonly password: string
  readonly serverConnectToken?: string
  /** SHA-256 of the device's key, 64 lower-case digits: what makes a client sure of the device. */
  readonly fingerprint: string
}

/** Characters of a link; one with every member as long as may be has half of it. */
export const MAX_PAIRING_LINK_LENGTH = 2048

const MAX_MEMBER_LENGTH = 256

/**
 * `<front end>?p=…&d=…&u=…&pwd=…&sct=…&fp=…` (protocol/edge-webrtc.md §8.2). A front end that ends in `#` keeps all of it from
 * the server that the page comes from: then it follows the `#`.
 */
export function formatPairingLink({ frontEnd, productId, deviceId, username, password, serverConnectToken, fingerprint }: PairingLink): string {
  const members = [['p', productId], ['d', deviceId], ['u', username], ['pwd', password], ['sct', serverConnectToken], ['fp', fingerprint]]
  const text = members.flatMap(([name, value]) => (value === undefined ? [] : [`${String(name)}=${encodeURIComponent(value)}`])).join('&')
  return frontEnd + (frontEnd.endsWith('#') ? '' : '?') + text
}

/**
 * Takes a link apart, the members after `?` or after `#`; members that are not known are passed over.
 * @throws {ClientError} `ERR_PAIRING_LINK`
 */
export function parsePairingLink(link: string): PairingLink {
  const text = link.trim()
  if (text.length > MAX_PAIRING_LINK_LENGTH) throw refused(`is longer than ${MAX_PAIRING_LINK_LENGTH} characters`)
  const at = text.search(/[?#]/)
  if (at < 0) throw refused('has nothing after its address')
  const members = new Map<string, string>()
  for (const part of text.slice(at + 1).split(/[&#?]/)) {
    const equals = part.indexOf('=')
    if (equals < 0) continue
    const name = part.slice(0, equals)
    if (members.has(name)) throw refused(`has two members ${name.slice(0, 8)}`)
    members.set(name, decoded(part.slice(equals + 1)))
  }
  const need = (name: string, what: string): string => {
    const value = members.get(name)
    if (value === undefined || value === '') throw refused(`lacks ${what}`)
    return value
  }
  const fingerprint = need('fp', 'the fingerprint of the device')
  if (!isFingerprint(fingerprint)) throw refused('has a fingerprint that is none')
  const token = members.get('sct')
  return {
    frontEnd: text.slice(0, at),
    productId: need('p', 'the product'),
    deviceId: need('d', 'the device'),
    username: members.get('u') ?? '',
    password: need('pwd', 'the password'),
    ...(token === undefined || token === '' ? {} : { serverConnectToken: token }),
    fingerprint: fingerprint.toLowerCase(),
  }
}

function decoded(text: string): string {
  if (text.length > MAX_MEMBER_LENGTH * 3) throw refused(`has a member of more than ${MAX_MEMBER_LENGTH} characters`)
  let value: string
  try {
    value = decodeURIComponent(text)
  } catch {
    throw refused('is not whole')
  }
  if (value.length > MAX_MEMBER_LENGTH) throw refused(`has a member of more than ${MAX_MEMBER_LENGTH} characters`)
  return value
}

function refused(why: string): ClientError {
  return new ClientError('ERR_PAIRING_LINK', `the pairing link ${why}; copy all of it`)
}
