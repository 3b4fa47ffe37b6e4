import type { Answer, Packet } from 'dns-packet'
import { lowerCased } from '../../../lib/cloud/ids.ts'
import { MAX_RECORDS, SERVICE } from './records.ts'

/** What answered, by its own account. Only the camera's proof in a session tells whether it is true. */
export interface FoundCamera {
  /** As people call it, or else its device ID. */
  name: string
  address: string
  port: number
  /** Of its page. */
  url: string
  /** What `--endpoint` takes. */
  endpoint: string
  productId: string
  deviceId: string
  /** Of its key, 64 lower-case digits. */
  fingerprint: string
  /** Ways to pair that it offers to this network. */
  pairing: string[]
}

/**
 * The cameras in one answer. Anybody in the network may send one, so that a camera counts only when everything about it is
 * well-formed, and its address is one of this network: nobody is sent elsewhere.
 * @param isHere - whether an address is one of the network that the answer came from
 */
export function readAnswer({ answers = [], additionals = [] }: Packet, isHere: (address: string) => boolean): FoundCamera[] {
  const records = [...answers, ...additionals].slice(0, MAX_RECORDS)
  return records.flatMap((pointer) => {
    if (pointer.type !== 'PTR' || lowerCased(pointer.name) !== SERVICE || pointer.ttl === 0) return []
    const service = findRecord(records, 'SRV', pointer.data)
    const text = findRecord(records, 'TXT', pointer.data)
    if (service === undefined || text === undefined) return []
    const { port, target } = service.data
    const addresses = records.flatMap((record) => (record.type === 'A' && same(record.name, target) && isHere(record.data) ? [record.data] : []))
    const members = membersOf(text.data)
    return addresses.slice(0, 1).flatMap((address) => cameraOf(members, address, port) ?? [])
  })
}

function cameraOf(members: ReadonlyMap<string, string>, address: string, port: number): FoundCamera | undefined {
  const [productId = '', deviceId = '', fingerprint = '', path = '/'] = ['productid', 'deviceid', 'fp', 'path'].map((key) => members.get(key))
  if (!isId(productId) || !isId(deviceId) || !/^[0-9a-f]{64}$/.test(fingerprint) || !/^\/[\x21-\x7e]{0,255}$/.test(path)) return undefined
  if (!(port >= 1 && port <= 65_535)) return undefined
  const endpoint = `http://${address}:${port}`
  return {
    name: printable(members.get('fn') ?? '') || deviceId, address, port, url: endpoint + path, endpoint, productId, deviceId, fingerprint,
    pairing: (members.get('pair') ?? '').split(',').filter((mode) => mode === 'initial' || mode === 'open'),
  }
}

function findRecord<Type extends 'SRV' | 'TXT'>(records: readonly Answer[], type: Type, name: string): Extract<Answer, { type: Type }> | undefined {
  return records.find((record): record is Extract<Answer, { type: Type }> => record.type === type && same(record.name, name))
}

const same = (one: string, other: string): boolean => lowerCased(one) === lowerCased(other)

const isId = (text: string): boolean => /^[a-z0-9][a-z0-9._-]{0,63}$/.test(text)

/** The first of a name counts (RFC 6763 §6.4). */
function membersOf(data: unknown): ReadonlyMap<string, string> {
  const members = new Map<string, string>()
  for (const entry of [data].flat().slice(0, MAX_RECORDS)) {
    const text = Buffer.isBuffer(entry) ? entry.toString() : typeof entry === 'string' ? entry : ''
    const equals = text.indexOf('=')
    const key = lowerCased(text.slice(0, Math.max(equals, 0)))
    if (equals > 0 && !members.has(key)) members.set(key, text.slice(equals + 1))
  }
  return members
}

/** A name comes from anybody: it must neither move the cursor nor turn the line around. */
function printable(name: string): string {
  return name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').trim().slice(0, 64)
}
