import { type ViewerPhase } from '../../../lib/client/index.ts'
import { type MediaPeerConnection, type PeerConnectionReport, type SelectedCandidatePair } from '../../../lib/webrtc/index.ts'
import { createNodeHost } from '../host.ts'
import { type VideoCount } from '../media/index.ts'
import { openCameraClient, openViewer, proveEachOther, readTarget, sessionOptions } from './camera-session.ts'
import { type Command, type Terminal, UsageError } from './command.ts'
import { readSecret, sharedSecretSource } from './files.ts'
import { asLenskeyError } from './hints.ts'

const defaultSeconds = 5
/** From the start to the first frame; ICE alone may take half a minute to give up. */
const patienceMs = 40_000

/** Phases that are no change of a state. */
const phaseWords: Partial<Record<ViewerPhase, string>> = {
  setup: 'camera has answered',
  offer: 'offer received',
  frame: 'first frame',
}

export const view: Command = {
  name: 'view',
  summary: 'Watch a camera without a screen: prints every state, and what arrived',
  options: {
    ...sessionOptions,
    seconds: { value: 'N', help: 'how long to watch after the first frame', default: String(defaultSeconds) },
  },
  notes: ['A shared secret or an access token may do without a proof of the camera\'s key; with a profile, a fingerprint or a user it is checked first.'],
  examples: [
    'lenskey view --profile camera.json',
    'lenskey view --endpoint http://127.0.0.1:8080 --product wp-showroom --device wd-frontdoorcamera1 --shared-secret-file secret',
  ],
  success: 'video arrived',
  async run(values, terminal) {
    const target = readTarget(values, terminal)
    const isTrusted = readSecret(sharedSecretSource, values, terminal) !== undefined || target.accessToken !== undefined
    const proves = target.fingerprint !== undefined || target.login !== undefined
    if (!proves && !isTrusted) throw new UsageError('--profile FILE, --user with its password, --shared-secret-file FILE, LENSKEY_SHARED_SECRET or an access token is needed')
    const seconds = values.integer('seconds', 0, 86_400) ?? defaultSeconds
    const { clock } = createNodeHost()
    const { countVideo } = await import('../media/index.ts')
    let received: VideoCount | undefined
    let proved: () => void = () => undefined
    // What comes before the camera has proved itself may be anybody's picture.
    const trusted = proves ? new Promise<void>((resolve) => { proved = resolve }) : Promise.resolve()
    const attach = (connection: MediaPeerConnection): void => {
      connection.onVideo = (receiver) => void trusted.then(() => {
        received = countVideo(receiver, () => { if (received !== undefined && received.keyFrames > 0) viewer.frameSeen() })
      })
    }
    const client = proves ? await openCameraClient(target, values, terminal, attach) : undefined
    const viewer = client?.viewer ?? await openViewer(target, values, terminal, attach)

    const startMs = clock.monotonicMs()
    const say = (event: string, text: string, fields: Record<string, unknown>): void => {
      const ms = clock.monotonicMs() - startMs
      terminal.print(`${`${ms.toFixed(0)} ms`.padStart(9)}  ${text}`, { event, ms: Math.round(ms * 10) / 10, ...fields })
    }
    const outcome = await new Promise<{ error?: unknown }>((resolve) => {
      viewer.on('phase', (phase) => {
        const words = phaseWords[phase]
        if (words !== undefined) say('phase', words, { phase })
      })
      viewer.on('signalingstatechange', (state) => { say('signaling', `signaling ${state}`, { state }) })
      viewer.on('channelstatechange', (state) => { say('channel', `channel ${state}`, { state }) })
      viewer.on('connectionstatechange', (state) => { say('media', `media ${state}`, { state }) })
      let cancelTimer = clock.after(patienceMs, () => { resolve({}) })
      viewer.on('phase', (phase) => {
        if (phase !== 'frame') return
        cancelTimer()
        cancelTimer = clock.after(seconds * 1000, () => { resolve({}) })
      })
      viewer.on('ended', (error) => {
        cancelTimer()
        resolve({ error })
      })
      terminal.stop.addEventListener('abort', () => { resolve({}) }, { once: true })
      viewer.start()
      if (client === undefined) return
      client.ready().then(() => proveEachOther(client, target, terminal)).then((fingerprint) => {
        proved()
        say('verified', 'camera verified', { fingerprint })
      }).catch((error: unknown) => { resolve({ error }) })
    })
    const report = outcome.error === undefined ? await viewer.peerConnection?.report() : undefined
    client?.close()
    viewer.close()
    if (outcome.error !== undefined) throw asLenskeyError(outcome.error)
    conclude(terminal, received, report)
    return hasFlowed(received) ? 0 : 1
  },
}

/** Without a key frame there is nothing to see. */
const hasFlowed = (received: VideoCount | undefined): boolean => received !== undefined && received.keyFrames > 0

function conclude(terminal: Terminal, received: VideoCount | undefined, report: PeerConnectionReport | undefined): void {
  const pair = report?.selectedPair
  const { codec, frames = 0, keyFrames = 0, packets = 0, bytes = 0 } = received ?? {}
  terminal.print(
    [
      `received ${frames} frames (${keyFrames} key frames), ${bytes} bytes in ${packets} packets${codec === undefined ? '' : ` of ${codec}`}`,
      pair === undefined ? 'no candidate pair was selected' : `selected pair ${describe(pair)}`,
      ...(hasFlowed(received) ? [] : ['no video arrived']),
    ],
    { event: 'summary', codec, frames, keyFrames, packets, bytes, selectedPair: pair },
  )
}

function describe({ local, remote, roundTripMs }: SelectedCandidatePair): string {
  const side = ({ type, protocol, address, port }: SelectedCandidatePair['local']): string => `${type} ${protocol} ${address}:${port}`
  return `${side(local)} - ${side(remote)}${roundTripMs === undefined ? '' : `, round trip ${roundTripMs.toFixed(1)} ms`}`
}
