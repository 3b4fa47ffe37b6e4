import { type CandidateSummary, type SelectedCandidatePair } from '../../../lib/webrtc/peer-connection.ts'

/** What the page shows of a connection, as far as the browser knows it. */
export interface Statistics {
  pair?: SelectedCandidatePair
  codec?: string
  width?: number
  height?: number
  framesPerSecond?: number
  framesDecoded?: number
  framesDropped?: number
  packetsLost?: number
  bytesReceived?: number
}

/** The members of W3C webrtc-stats read here; TypeScript's own list lacks some of them. */
interface Entry {
  id: string
  type: string
  kind?: string
  selectedCandidatePairId?: string
  localCandidateId?: string
  remoteCandidateId?: string
  currentRoundTripTime?: number
  candidateType?: string
  protocol?: string
  address?: string
  port?: number
  codecId?: string
  mimeType?: string
  frameWidth?: number
  frameHeight?: number
  framesPerSecond?: number
  framesDecoded?: number
  framesDropped?: number
  packetsLost?: number
  bytesReceived?: number
}

/** Whether a TURN server stands between the two ends. */
export function isRelayed({ local, remote }: SelectedCandidatePair): boolean {
  return local.type === 'relay' || remote.type === 'relay'
}

export async function readStatistics(connection: RTCPeerConnection): Promise<Statistics> {
  const entries = new Map<string, Entry>()
  ;(await connection.getStats()).forEach((entry: Entry) => entries.set(entry.id, entry))
  const all = [...entries.values()]
  // The newest: a picture that was taken away stays in the list.
  const video = all.filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'video').at(-1)
  const transport = all.find(({ type }) => type === 'transport')
  return {
    pair: selectedPair(entries, transport),
    codec: entries.get(video?.codecId ?? '')?.mimeType?.replace('video/', ''),
    width: video?.frameWidth,
    height: video?.frameHeight,
    framesPerSecond: video?.framesPerSecond,
    framesDecoded: video?.framesDecoded,
    framesDropped: video?.framesDropped,
    packetsLost: video?.packetsLost,
    bytesReceived: transport?.bytesReceived ?? video?.bytesReceived,
  }
}

function selectedPair(entries: Map<string, Entry>, transport: Entry | undefined): SelectedCandidatePair | undefined {
  const pair = entries.get(transport?.selectedCandidatePairId ?? '')
  const local = candidate(entries.get(pair?.localCandidateId ?? ''))
  const remote = candidate(entries.get(pair?.remoteCandidateId ?? ''))
  if (local === undefined || remote === undefined) return undefined
  const seconds = pair?.currentRoundTripTime
  return seconds === undefined ? { local, remote } : { local, remote, roundTripMs: seconds * 1000 }
}

function candidate(entry: Entry | undefined): CandidateSummary | undefined {
  if (entry === undefined) return undefined
  const { candidateType = 'unknown', protocol = 'udp', address = 'hidden', port = 0 } = entry
  return { type: candidateType, protocol, address: address === '' ? 'hidden' : address, port }
}
