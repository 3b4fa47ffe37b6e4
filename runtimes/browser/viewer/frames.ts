import { type Picture } from './explain.ts'
import { showStatistics } from './page.ts'
import { isRelayed, readStatistics } from './statistics.ts'

const statisticsMs = 1000
/** No new frame for so long is a picture that stands still. */
const frozenMs = 2500
/** No new frame for so long, in a tab that is looked at, is reason to ask the camera whether there is one for us. */
const stoppedMs = 500

/** Watches the frames of one session after another, and shows what the browser counts. */
export class Frames {
  /** Whether the path of the session leads through a TURN server. */
  isRelayed = false
  readonly #video: HTMLVideoElement
  readonly #connection: () => RTCPeerConnection | undefined
  readonly #seen: (nowMs: number, isFirst: boolean) => void
  #lastMs: number | undefined
  #decoded = 0
  #bytes: { count: number; atMs: number } | undefined

  /**
   * @param connection - the one of the session that lives
   * @param seen - told of each frame; `isFirst` in its session
   */
  constructor(video: HTMLVideoElement, connection: () => RTCPeerConnection | undefined, seen: (nowMs: number, isFirst: boolean) => void) {
    this.#video = video
    this.#connection = connection
    this.#seen = seen
    this.#watch()
    setInterval(() => void this.#readStatistics(), statisticsMs)
  }

  /** For the next session. */
  reset(): void {
    this.isRelayed = false
    this.#lastMs = undefined
    this.#decoded = 0
    this.#bytes = undefined
    showStatistics({}, undefined)
  }

  get picture(): Picture {
    if (this.#lastMs === undefined) return 'none'
    return performance.now() - this.#lastMs < frozenMs ? 'moving' : 'frozen'
  }

  /** Whether there were frames, and for a while have been no more. */
  get haveStopped(): boolean {
    const patienceMs = document.visibilityState === 'visible' ? stoppedMs : frozenMs
    return this.#lastMs !== undefined && performance.now() - this.#lastMs > patienceMs
  }

  #watch(): void {
    this.#video.requestVideoFrameCallback(() => {
      this.#frame()
      this.#watch()
    })
  }

  #frame(): void {
    const isFirst = this.#lastMs === undefined
    this.#lastMs = performance.now()
    this.#seen(this.#lastMs, isFirst)
  }

  async #readStatistics(): Promise<void> {
    const connection = this.#connection()
    if (connection === undefined) return
    const statistics = await readStatistics(connection)
    if (connection !== this.#connection()) return
    const { pair, framesDecoded = 0, bytesReceived } = statistics
    this.isRelayed = pair !== undefined && isRelayed(pair)
    // In a tab that is not looked at, frames are decoded but not presented.
    if (framesDecoded > this.#decoded && this.#video.srcObject !== null) this.#frame()
    this.#decoded = framesDecoded
    const before = this.#bytes
    const atMs = performance.now()
    this.#bytes = bytesReceived === undefined ? undefined : { count: bytesReceived, atMs }
    const elapsedMs = atMs - (before?.atMs ?? atMs)
    showStatistics(statistics, before === undefined || bytesReceived === undefined || elapsedMs === 0 ? undefined : ((bytesReceived - before.count) * 8000) / elapsedMs)
  }
}
