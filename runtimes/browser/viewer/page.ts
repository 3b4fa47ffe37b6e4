import { type CandidateSummary, type SelectedCandidatePair } from '../../../lib/webrtc/peer-connection.ts'
import { element, setText } from './dom.ts'
import { type Explanation, explainTrust, inGroups, shortFingerprint, type Situation, type Tone } from './explain.ts'
import { isAlarm } from './failures.ts'
import { isRelayed, type Statistics } from './statistics.ts'
import { phases, type Timeline } from './timeline.ts'

function show(id: string, text: string, more?: string, tone?: Tone): void {
  const [target, below] = [element(id), element(`${id}-more`)]
  // They are cut off where there is no room for them.
  setText(target, (target.title = text))
  setText(below, (below.title = more ?? ''))
  if (tone === undefined) delete target.dataset.tone
  else target.dataset.tone = tone
}

const signalingWords: Record<Situation['signaling'], [string, Tone?]> = {
  NEW: ['not connected'],
  CONNECTING: ['connecting', 'wait'],
  CONNECTED: ['connected', 'good'],
  WAIT_RETRY: ['reconnecting', 'wait'],
  FAILED: ['failed', 'bad'],
  CLOSED: ['closed'],
}

const channelWords: Record<Situation['channel'], [string, Tone?]> = {
  NEW: ['not open yet'],
  CONNECTED: ['camera online', 'good'],
  DISCONNECTED: ['camera offline', 'wait'],
  FAILED: ['ended', 'bad'],
  CLOSED: ['closed'],
}

const mediaTones: Record<Situation['media'], Tone | undefined> = {
  new: undefined, connecting: 'wait', connected: 'good', disconnected: 'wait', failed: 'bad', closed: undefined,
}

/** @param friendlyName - what its owner calls it; empty for nothing */
export function showCamera({ productId, deviceId }: { productId: string; deviceId: string }, friendlyName: string): void {
  const ids = `${productId} · ${deviceId}`
  const camera = element('camera')
  setText(camera, friendlyName === '' ? ids : friendlyName)
  camera.title = ids
  document.title = `${friendlyName === '' ? ids : friendlyName} · lenskey`
}

/** For what another try cannot mend. */
export function hideAgain(): void {
  element('again').hidden = true
}

/** States, as words on the page and as they are called in the protocol for whoever reads closely (or tests the page). */
export function showSituation(situation: Situation, { tone, headline, advice }: Explanation, origin: string): void {
  const { signaling, channel, media, picture, question, user, removed, failure } = situation
  const { dataset } = document.body
  Object.assign(dataset, {
    tone, picture, signaling, channel, media, question, user: user?.name ?? '', removed: String(removed), failure: failure?.code ?? '',
  })
  setText(element('headline'), headline)
  setText(element('advice'), advice)
  element('again').hidden = (failure === undefined && !removed) || question === 'token'
  // With a failure there is no camera to sign in to.
  element('from-token').hidden = failure !== undefined
  element('unpin').hidden = failure?.code !== 'PIN_CHANGED'
  show('signaling', signalingWords[signaling][0], origin, signalingWords[signaling][1])
  show('channel', channelWords[channel][0], `state ${channel}`, channelWords[channel][1])
  show('media', media === 'new' ? 'not begun' : media, media === 'connected' ? 'DTLS-SRTP' : '', mediaTones[media])
}

/** Who is at the other end, as far as that is known. */
export function showTrust({ trust, failure }: Situation, fingerprint: string | undefined): void {
  const alarmed = failure !== undefined && isAlarm(failure.code)
  const { tone, label, more } = alarmed
    ? { tone: 'bad', label: 'Not verified', more: 'Nobody can tell who is at the other end. The picture is hidden and nothing more is sent.' }
    : explainTrust(trust, fingerprint)
  const shown = tone === 'good' ? fingerprint : undefined
  const badge = element('badge')
  badge.dataset.tone = tone
  badge.hidden = failure !== undefined && !alarmed
  document.body.dataset.trust = alarmed ? 'alarm' : trust
  setText(element('badge-label'), label)
  setText(element('badge-short'), shown === undefined ? '' : shortFingerprint(shown))
  setText(element('badge-more'), more)
  setText(element('badge-full'), shown === undefined ? '' : inGroups(shown))
  element('badge-short').title = shown === undefined ? '' : inGroups(shown)
}

const kinds: Record<string, string> = { host: 'local address', srflx: 'public address', prflx: 'found on the way', relay: 'through TURN' }

const address = ({ address: name, port }: CandidateSummary): string => `${name.includes(':') ? `[${name}]` : name}:${port}`

function describePair(pair: SelectedCandidatePair): [string, string] {
  const { local, remote } = pair
  const kind = (candidate: CandidateSummary): string => kinds[candidate.type] ?? candidate.type
  return [
    `${address(local)}  ↔  ${address(remote)}`,
    `${isRelayed(pair) ? 'relayed' : 'direct'} over ${local.protocol.toUpperCase()} · here ${local.type} (${kind(local)}) · camera ${remote.type} (${kind(remote)})`,
  ]
}

/** @param bitsPerSecond - over the last interval; undefined when not known yet */
export function showStatistics(statistics: Statistics, bitsPerSecond: number | undefined): void {
  const { pair, codec, width, height, framesPerSecond, framesDecoded, framesDropped = 0, packetsLost = 0, bytesReceived } = statistics
  if (pair === undefined) show('pair', '–')
  else show('pair', ...describePair(pair))
  show('round-trip', pair?.roundTripMs === undefined ? '–' : milliseconds(pair.roundTripMs), pair === undefined ? '' : packetsLost > 0 ? `${packetsLost} packets lost` : 'no packet lost')
  show(
    'picture',
    width === undefined || height === undefined ? '–' : `${width} × ${height}`,
    [codec, framesPerSecond === undefined ? undefined : `${Math.round(framesPerSecond)} fps`].filter((part) => part !== undefined).join(' · '),
  )
  const frames = framesDecoded === undefined ? '' : `${framesDecoded} frames${framesDropped > 0 ? `, ${framesDropped} dropped` : ''}`
  show(
    'received',
    bytesReceived === undefined ? '–' : bytes(bytesReceived),
    [bitsPerSecond === undefined ? '' : `${Math.round(bitsPerSecond / 1000)} kbit/s`, frames].filter((part) => part !== '').join(' · '),
  )
}

function milliseconds(value: number): string {
  if (value < 1) return '< 1 ms'
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`
}

function bytes(count: number): string {
  if (count < 1000) return `${count} B`
  if (count < 1_000_000) return `${Math.round(count / 1000)} kB`
  return `${(count / 1_000_000).toFixed(1)} MB`
}

export function showTimeline(timeline: Timeline, nowMs: number): void {
  const times = timeline.times(nowMs)
  const scale = Math.max(...times.map(({ endMs }) => endMs), 1)
  const list = element('phases')
  while (list.children.length < times.length) list.append(phaseRow())
  for (const [index, { phase, state, startMs, endMs }] of times.entries()) {
    const row = list.children[index]
    if (!(row instanceof HTMLElement)) continue
    row.dataset.state = state
    row.dataset.phase = phase
    const [label, track, duration] = row.children
    const bar = track.firstElementChild
    if (!(label instanceof HTMLElement) || !(duration instanceof HTMLElement) || !(bar instanceof HTMLElement)) continue
    setText(label, phases[phase])
    setText(duration, state === 'waiting' ? '' : milliseconds(endMs - startMs))
    bar.hidden = state === 'waiting'
    bar.style.left = `${(startMs / scale) * 99}%`
    bar.style.width = `${((endMs - startMs) / scale) * 99}%`
  }
  setText(element('total'), timeline.totalMs === undefined ? '' : milliseconds(timeline.totalMs))
}

function phaseRow(): HTMLElement {
  const row = document.createElement('li')
  const track = document.createElement('span')
  track.className = 'track'
  track.append(document.createElement('i'))
  row.append(document.createElement('span'), track, document.createElement('span'))
  return row
}
