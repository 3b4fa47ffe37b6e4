import { explain, type Picture, type Situation } from './explain.ts'
import { readLink, type ViewerLink } from './link.ts'
import { hideAgain, showCamera, showSituation, showStatistics, showTimeline } from './page.ts'
import { Session } from './session.ts'
import { isRelayed, readStatistics } from './statistics.ts'
import { Timeline } from './timeline.ts'

const tickMs = 250
const statisticsMs = 1000
/** No new frame for so long is a picture that stands still. */
const frozenMs = 2500
/** Failures that pass by themselves, as a camera restarts or a network comes back. */
const passing = new Set([
  'CHANNEL_CLOSED', 'CHANNEL_NOT_FOUND', 'NO_MORE_CHANNELS', 'INTERNAL_ERROR', 'MEDIA_FAILED', 'ERR_SIGNALING_CONNECTION',
  'ERR_SIGNALING_TOO_MANY_REQUESTS', 'ERR_HTTP_UNREACHABLE', 'ERR_HTTP_TIMEOUT',
])
const retrySeconds = [1, 2, 4, 8, 15, 30]

/** Keeps one session alive after another, and the page up to date. */
class Viewer {
  readonly #link: ViewerLink
  readonly #video: HTMLVideoElement
  #session: Session
  #timeline = new Timeline(performance.now())
  #lastFrameMs: number | undefined
  #framesDecoded = 0
  #relayed = false
  #bytes: { count: number; atMs: number } | undefined
  #attempt = 0
  #retryAtMs: number | undefined

  constructor(link: ViewerLink, video: HTMLVideoElement) {
    this.#link = link
    this.#video = video
    this.#session = this.#open()
    this.#watchFrames()
    setInterval(() => { this.#tick() }, tickMs)
    setInterval(() => void this.#readStatistics(), statisticsMs)
  }

  restart(): void {
    this.#session.close()
    this.#retryAtMs = undefined
    this.#lastFrameMs = undefined
    this.#framesDecoded = 0
    this.#bytes = undefined
    this.#video.srcObject = null
    showStatistics({}, undefined)
    this.#session = this.#open()
    this.#tick()
  }

  #open(): Session {
    const timeline = new Timeline(performance.now())
    this.#timeline = timeline
    return new Session(this.#link, location.origin, {
      changed: () => { queueMicrotask(() => { this.#tick() }) },
      phaseDone: (phase) => { timeline.done(phase, performance.now()) },
      stream: (stream) => {
        if (this.#video.srcObject !== stream) this.#video.srcObject = stream
      },
    })
  }

  #watchFrames(): void {
    this.#video.requestVideoFrameCallback(() => {
      this.#frameSeen()
      this.#watchFrames()
    })
  }

  #frameSeen(): void {
    this.#lastFrameMs = performance.now()
    this.#timeline.done('frame', this.#lastFrameMs)
    this.#attempt = 0
  }

  get #picture(): Picture {
    if (this.#lastFrameMs === undefined || this.#session.failure !== undefined) return 'none'
    return performance.now() - this.#lastFrameMs < frozenMs ? 'moving' : 'frozen'
  }

  #tick(): void {
    const { signaling, channel, media, connection, failure } = this.#session
    const nowMs = performance.now()
    if (failure !== undefined && this.#retryAtMs === undefined && passing.has(failure)) {
      this.#retryAtMs = nowMs + retrySeconds[Math.min(this.#attempt++, retrySeconds.length - 1)] * 1000
    }
    if (this.#retryAtMs !== undefined && nowMs >= this.#retryAtMs) {
      this.restart()
      return
    }
    const situation: Situation = {
      signaling, channel, media, greeted: connection !== undefined, relayed: this.#relayed, picture: this.#picture,
      failure: failure === undefined
        ? undefined
        : { code: failure, retryInSeconds: this.#retryAtMs === undefined ? undefined : Math.ceil((this.#retryAtMs - nowMs) / 1000) },
    }
    showSituation(situation, explain(situation), location.host)
    // It stops where the session did.
    if (failure === undefined) showTimeline(this.#timeline, nowMs)
  }

  async #readStatistics(): Promise<void> {
    const { connection } = this.#session
    if (connection === undefined) return
    const statistics = await readStatistics(connection)
    if (connection !== this.#session.connection) return
    const { pair, framesDecoded = 0, bytesReceived } = statistics
    this.#relayed = pair !== undefined && isRelayed(pair)
    // In a tab that is not looked at, frames are decoded but not presented.
    if (framesDecoded > this.#framesDecoded) this.#frameSeen()
    this.#framesDecoded = framesDecoded
    const before = this.#bytes
    const atMs = performance.now()
    this.#bytes = bytesReceived === undefined ? undefined : { count: bytesReceived, atMs }
    const elapsedMs = atMs - (before?.atMs ?? atMs)
    showStatistics(statistics, before === undefined || bytesReceived === undefined || elapsedMs === 0 ? undefined : ((bytesReceived - before.count) * 8000) / elapsedMs)
  }
}

/** A link that cannot work: say so, and do not even try. */
function refuse(code: string): void {
  const situation: Situation = { signaling: 'NEW', channel: 'NEW', media: 'new', greeted: false, relayed: false, picture: 'none', failure: { code } }
  showSituation(situation, explain(situation), location.host)
  hideAgain()
}

function main(): void {
  const video = document.querySelector('video')
  const link = readLink(location)
  // A link that is changed in place, such as by pasting the part after the #, is a new link.
  addEventListener('hashchange', () => { location.reload() })
  if (link !== undefined) showCamera(`${link.productId} · ${link.deviceId}`)
  if (video === null || link === undefined) {
    refuse('NO_CAMERA')
    return
  }
  document.getElementById('full')?.addEventListener('click', () => void video.requestFullscreen())
  if (link.sharedSecret === undefined && link.accessToken === undefined) {
    refuse('NO_SECRET')
    return
  }
  const viewer = new Viewer(link, video)
  document.getElementById('again')?.addEventListener('click', () => { viewer.restart() })
}

main()
