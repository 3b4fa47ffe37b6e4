import type { AudioCodec, VideoCodec } from './peer-connection.ts'

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** What an engine wants to know of one `m=` section (RFC 8866 §5.14, RFC 8829 §5). */
export interface MediaSection {
  kind: string
  mid: string
  rejected: boolean
  direction: Direction
  /** Payload types of the codecs we speak, the best one per codec first. */
  codecs: { codec: VideoCodec; payloadType: number; parameters: string }[]
  /** The same of sound. */
  audioCodecs: { codec: AudioCodec; payloadType: number }[]
  iceUfrag: string | undefined
  icePassword: string | undefined
}

/** The media sections of an SDP, in order. Lines that mean nothing to us are skipped. */
export function parseMediaSections(sdp: string): MediaSection[] {
  const [session = '', ...sections] = sdp.split(/^m=/m)
  return sections.map((section) => {
    const lines = section.split(/\r?\n/)
    const [kind = '', port = ''] = (lines[0] ?? '').split(' ')
    const attribute = (name: string) => attributeOf(section, name) ?? attributeOf(session, name)
    return {
      kind,
      mid: attributeOf(section, 'mid') ?? '',
      rejected: port === '0' && !section.includes('a=bundle-only'),
      direction: (/^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(section)?.[1] ?? 'sendrecv') as Direction,
      codecs: codecsOf(section),
      audioCodecs: kind === 'audio' ? audioCodecsOf(section) : [],
      iceUfrag: attribute('ice-ufrag'),
      icePassword: attribute('ice-pwd'),
    }
  })
}

function attributeOf(text: string, name: string): string | undefined {
  return new RegExp(`^a=${name}:([^\\r\\n]*)`, 'm').exec(text)?.[1]
}

/** Payload types looked at in one section: more than any browser offers, and few enough to search them all. */
const maxCodecs = 32

function codecsOf(section: string): MediaSection['codecs'] {
  const found: MediaSection['codecs'] = []
  for (const [, type = '', name = ''] of section.matchAll(/^a=rtpmap:(\d+) (VP8|H264)\/90000/gim)) {
    if (found.length === maxCodecs) break
    const codec = name.toUpperCase() === 'VP8' ? 'VP8' : 'H264'
    const parameters = new RegExp(`^a=fmtp:${type} ([^\\r\\n]*)`, 'm').exec(section)?.[1] ?? ''
    // Fragmentation units need packetization-mode=1 (RFC 6184 §6.3).
    if (codec === 'H264' && !parameters.includes('packetization-mode=1')) continue
    found.push({ codec, payloadType: Number(type), parameters })
  }
  const rank = ({ codec, parameters }: MediaSection['codecs'][number]) => (codec === 'H264' && !/profile-level-id=42/i.test(parameters) ? 1 : 0)
  return found.sort((a, b) => rank(a) - rank(b))
}

function audioCodecsOf(section: string): MediaSection['audioCodecs'] {
  const types = (/^audio \d+ \S+ ([\d ]+)/.exec(section)?.[1] ?? '').split(' ').slice(0, maxCodecs)
  return types.flatMap((type): MediaSection['audioCodecs'] => {
    const name = new RegExp(`^a=rtpmap:${type} (opus/48000/2|PCMU/8000)(?:/1)?\\s*$`, 'im').exec(section)?.[1]?.toLowerCase()
    const payloadType = Number(type)
    // PCMU has a number of its own and need not be described (RFC 3551 §6).
    if (name === undefined) return type === '0' && !/^a=rtpmap:0 /m.test(section) ? [{ codec: 'PCMU', payloadType }] : []
    return [{ codec: name.startsWith('opus') ? 'opus' : 'PCMU', payloadType }]
  })
}

/** H.264 constrained baseline, level 3.1: what every browser decodes. */
export const h264Parameters = 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1'

export function sendsMedia(direction: Direction): boolean {
  return direction === 'sendonly' || direction === 'sendrecv'
}

export function receivesMedia(direction: Direction): boolean {
  return direction === 'recvonly' || direction === 'sendrecv'
}

/** `a=candidate` fields (RFC 8839 §5.1), or undefined for a line of another form. */
export function parseCandidate(line: string): { protocol: string; address: string; port: number; type: string; ufrag: string | undefined } | undefined {
  const match = /^(?:a=)?(?:candidate:)?\S+ \d+ (\S+) \d+ (\S+) (\d+) typ (\S+)/.exec(line)
  if (match === null) return undefined
  const [, protocol = '', address = '', port = '', type = ''] = match
  return { protocol: protocol.toLowerCase(), address, port: Number(port), type, ufrag: / ufrag (\S+)/.exec(line)?.[1] }
}
