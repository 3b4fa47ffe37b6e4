import type { Answer, Packet, Question } from 'dns-packet'
import { encodeUtf8 } from '../../../lib/bytes/index.ts'

/** What cameras with a door of their own are found by (RFC 6763 §7). */
export const SERVICE = '_lenskey._tcp.local'

const SERVICE_LIST = '_services._dns-sd._udp.local'

/** Seconds for which others may remember it: as RFC 6762 §10 has it, less where an address is in it. */
const TTL = 4500
const HOST_TTL = 120

/** A camera as it tells of itself to its network. Nobody vouches for any of it. */
export interface AnnouncedCamera {
  /** Where its door is. */
  port: number
  productId: string
  deviceId: string
  /** Of its key, 64 lower-case digits. */
  fingerprint: string
  /** What people call it; empty for none. */
  friendlyName: string
  /** Of the page, such as `/?product=…&device=…`. */
  path: string
  /** Ways to pair that are open to this network: `initial`, `open`. */
  pairing: readonly string[]
}

/** The name of a camera in its network, one label: of its key, and so never that of two. */
export function labelOf(fingerprint: string): string {
  return `lenskey-${fingerprint.slice(0, 16)}`
}

/** With the mDNS domain: what `http://…` may name. */
export function hostNameOf(fingerprint: string): string {
  return `${labelOf(fingerprint)}.local`
}

/**
 * Everything there is to say about a camera in one network.
 * @param addresses - its IPv4 addresses there
 * @param isGone - takes it back (RFC 6762 §10.1)
 */
export function recordsOf(camera: AnnouncedCamera, addresses: readonly string[], isGone = false): Answer[] {
  const [instance, host] = [`${labelOf(camera.fingerprint)}.${SERVICE}`, hostNameOf(camera.fingerprint)]
  const ttl = (seconds: number): number => (isGone ? 0 : seconds)
  return [
    { type: 'PTR', name: SERVICE, ttl: ttl(TTL), data: instance },
    { type: 'SRV', name: instance, ttl: ttl(HOST_TTL), flush: true, data: { port: camera.port, target: host, priority: 0, weight: 0 } },
    { type: 'TXT', name: instance, ttl: ttl(TTL), flush: true, data: textOf(camera) },
    ...addresses.map((data): Answer => ({ type: 'A', name: host, ttl: ttl(HOST_TTL), flush: true, data })),
  ]
}

/** For whoever asks which services there are (RFC 6763 §9). */
export const serviceListRecord: Answer = { type: 'PTR', name: SERVICE_LIST, ttl: TTL, data: SERVICE }

/** What of a query is about this camera: itself, or which services there are. */
export function questionsAbout(camera: Pick<AnnouncedCamera, 'fingerprint'>, questions: readonly Question[]): { camera: boolean; list: boolean } {
  const names = [SERVICE, `${labelOf(camera.fingerprint)}.${SERVICE}`, hostNameOf(camera.fingerprint)]
  const asked = questions.slice(0, MAX_RECORDS).map(({ name }) => name.toLowerCase())
  return { camera: asked.some((name) => names.includes(name)), list: asked.includes(SERVICE_LIST) }
}

/** Whether who asks knows this camera already, for a good while yet (RFC 6762 §7.1). */
export function isKnown(camera: Pick<AnnouncedCamera, 'fingerprint'>, { answers = [] }: Packet): boolean {
  const instance = `${labelOf(camera.fingerprint)}.${SERVICE}`
  return answers.slice(0, MAX_RECORDS).some((record) => record.type === 'PTR' && record.data.toLowerCase() === instance && (record.ttl ?? 0) * 2 >= TTL)
}

function textOf({ productId, deviceId, fingerprint, friendlyName, path, pairing }: AnnouncedCamera): string[] {
  const entries = { txtvers: '1', productid: productId, deviceid: deviceId, fp: fingerprint, fn: friendlyName, path, pair: pairing.join(',') }
  // One entry has 255 bytes at most; what does not fit is left out, as half a name or path is none.
  return Object.entries(entries).map(([key, value]) => `${key}=${value}`).filter((entry) => !entry.endsWith('=') && encodeUtf8(entry).length <= 255)
}

/** Of one packet that are looked at. */
export const MAX_RECORDS = 64
