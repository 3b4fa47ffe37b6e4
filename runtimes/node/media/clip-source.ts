import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LenskeyError } from '../../../lib/errors.ts'
import { VideoFanOut } from './fan-out.ts'
import { type Ivf, readIvf } from './ivf.ts'
import { makeRtp } from './rtp.ts'
import type { VideoSource } from './video-source.ts'
import { packetizeVp8 } from './vp8.ts'

/**
 * Plays a VP8 clip over and over, as a camera would: one packetiser for all viewers, timestamps that go on over the loops. It
 * stands still while nobody watches.
 *
 * @param file - an IVF file with VP8; the default is the demo's own clip
 * @throws {LenskeyError} `ERR_IVF` for another kind of file
 */
export function createClipSource(file: string = demoClip()): VideoSource {
  const clip = readIvf(readFileSync(file))
  if (clip.fourcc !== 'VP80') throw new LenskeyError('ERR_IVF', `the clip is in ${clip.fourcc}, not in VP8`)
  const player = new ClipPlayer(clip)
  return player.source
}

/** The demo's clip, beside this file in the sources, and further up from where this code is bundled to. */
function demoClip(): string {
  const name = join('runtimes', 'node', 'media', 'clip.ivf')
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, name))) return join(folder, name)
    if (folder === dirname(folder)) throw new LenskeyError('ERR_IVF', `the demo's clip is missing: ${name} belongs to the package`)
  }
}

class ClipPlayer {
  readonly source: VideoFanOut
  readonly #clip: Ivf
  readonly #payloads: Uint8Array[][]
  readonly #ssrc = randomBytes(4).readUInt32BE()
  readonly #firstTimestamp = randomBytes(4).readUInt32BE()
  #sequenceNumber = randomBytes(2).readUInt16BE()
  /** The next frame of the clip. */
  #frame = 0
  /** Frame times gone by since the beginning, those that a busy machine missed included. */
  #slot = 0
  #timer: NodeJS.Timeout | undefined

  constructor(clip: Ivf) {
    this.#clip = clip
    this.#payloads = clip.frames.map(packetizeVp8)
    this.source = new VideoFanOut('VP8', { onDemand: (isWanted) => (isWanted ? this.#play() : this.#pause()) })
  }

  #play(): void {
    const firstSlot = this.#slot
    const startedAt = performance.now()
    const intervalMs = 1000 / this.#clip.framesPerSecond
    const next = () => {
      // Late by more than a frame: the picture waits, the timestamps do not.
      this.#slot = Math.max(this.#slot, firstSlot + Math.floor((performance.now() - startedAt) / intervalMs))
      this.#sendFrame()
      this.#slot++
      this.#timer = setTimeout(next, startedAt + (this.#slot - firstSlot) * intervalMs - performance.now())
    }
    next()
  }

  #pause(): void {
    clearTimeout(this.#timer)
  }

  #sendFrame(): void {
    const timestamp = (this.#firstTimestamp + Math.round((this.#slot * 90_000) / this.#clip.framesPerSecond)) >>> 0
    const payloads = this.#payloads[this.#frame]
    payloads.forEach((payload, index) => {
      const marker = index === payloads.length - 1
      this.source.push(makeRtp({ payloadType: 96, marker, sequenceNumber: this.#sequenceNumber, timestamp, ssrc: this.#ssrc }, payload))
      this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff
    })
    this.#frame = (this.#frame + 1) % this.#payloads.length
  }
}
