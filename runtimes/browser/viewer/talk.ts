import { decodeUtf8 } from '../../../lib/bytes/index.ts'
import { isCoapSuccess } from '../../../lib/coap/index.ts'
import { parseStrictObject } from '../../../lib/jwt/strict-json.ts'
import { type TrackEntry } from '../../../lib/webrtc/track-metadata.ts'
import { element, make, setText } from './dom.ts'
import { trackErrorWords } from './failures.ts'
import { type Session } from './session.ts'

/** Sound from here to the camera, where it takes any; and which tracks do not flow, and why. */
export class Talk {
  readonly #session: () => Session
  /** As the camera calls the sound that it takes. */
  #trackId: string | undefined
  #microphone: MediaStreamTrack | undefined
  #isRefused = false
  #refused = new Map<string, TrackEntry>()
  #said = ''

  constructor(session: () => Session) {
    this.#session = session
    element('talk').addEventListener('click', () => void (this.#microphone === undefined ? this.#start() : this.#stop()))
  }

  /** Asks the camera whether it takes sound: once for each session, when there is a picture. */
  async offer(): Promise<void> {
    const session = this.#session()
    const trackId = await audioTrackOf(session).catch(() => undefined)
    if (session !== this.#session() || trackId === undefined || trackId === this.#trackId) return
    this.#trackId = trackId
    this.#show()
  }

  /** The camera has said what became of a track. */
  told(track: TrackEntry): void {
    if (track.error === undefined) this.#refused.delete(track.trackId)
    else this.#refused.set(track.trackId, track)
    if (track.trackId === this.#trackId && track.error !== undefined) {
      void this.#stop()
      // What is refused once stays so for the session (protocol/edge-webrtc.md §3.2): another try would be silence.
      this.#isRefused = true
    }
    this.#show()
  }

  /** The session is over. */
  reset(): void {
    this.#microphone?.stop()
    this.#microphone = this.#trackId = undefined
    this.#isRefused = false
    this.#refused.clear()
    this.#said = ''
    this.#show()
  }

  async #start(): Promise<void> {
    const [session, trackId] = [this.#session(), this.#trackId]
    const { connection } = session
    if (connection === undefined || trackId === undefined) return
    this.#said = ''
    try {
      const [microphone] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()
      if (session !== this.#session() || session.failure !== undefined) {
        microphone.stop()
        return
      }
      this.#microphone = microphone
      await session.tracks.addTrack(connection, microphone, trackId)
    } catch (thrown) {
      await this.#stop()
      this.#said = microphoneWords(thrown)
    }
    this.#show()
  }

  async #stop(): Promise<void> {
    const microphone = this.#microphone
    this.#microphone = undefined
    microphone?.stop()
    this.#show()
    const sender = this.#session().connection?.getSenders().find(({ track }) => track === microphone)
    await sender?.replaceTrack(null).catch(() => undefined)
  }

  #show(): void {
    const talk = element('talk')
    const isOn = this.#microphone !== undefined
    talk.hidden = this.#trackId === undefined || this.#isRefused || !('mediaDevices' in navigator)
    talk.ariaPressed = String(isOn)
    setText(element('talk-label'), isOn ? 'Stop talking' : 'Talk')
    document.body.dataset.talk = isOn ? 'on' : 'off'
    const lines = [...this.#refused.values()].map((track) => this.#explain(track))
    if (this.#said !== '') lines.push(this.#said)
    element('refused').replaceChildren(...lines.map((text) => make('li', {}, text)))
  }

  #explain({ trackId, error = 'OK' }: TrackEntry): string {
    if (error === 'OK') return ''
    const what = trackId === this.#trackId ? 'Your sound does not reach the camera' : `The track ${trackId} does not flow`
    return `${what}: ${trackErrorWords[error]}`
  }
}

async function audioTrackOf({ client }: Session): Promise<string | undefined> {
  const { code, payload } = await client.coap('GET', '/webrtc/tracks/default')
  if (!isCoapSuccess(code) || payload === undefined) return undefined
  const { audioTrackId } = parseStrictObject(decodeUtf8(payload), 4)
  return typeof audioTrackId === 'string' && audioTrackId !== '' ? audioTrackId : undefined
}

function microphoneWords(thrown: unknown): string {
  const name = thrown instanceof DOMException ? thrown.name : ''
  if (name === 'NotAllowedError') return 'The browser does not let this page use the microphone.'
  if (name === 'NotFoundError') return 'There is no microphone here.'
  return 'The microphone could not be used.'
}
