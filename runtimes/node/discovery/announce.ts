import { isIPv4 } from 'node:net'
import type { Packet } from 'dns-packet'
import type { Clock, Log } from '../../../lib/runtime/index.ts'
import { type Link, openLink, ownAddresses, type Sender } from './link.ts'
import { type AnnouncedCamera, isKnown, questionsAbout, recordsOf, serviceListRecord } from './records.ts'

const MDNS_PORT = 5353
/** Records are sent to everybody at most so often (RFC 6762 §6), however many ask. */
const REST_MS = 1000
/** So often it is looked whether the machine has come into another network. */
const LOOK_MS = 10_000

export interface AnnounceOptions {
  camera: AnnouncedCamera
  /** Address that the door listens on; `0.0.0.0` and `::` are every address of the machine. */
  listening: string
}

export interface Announcement {
  /** Tells what has changed. */
  update(changes: Partial<AnnouncedCamera>): void
  /** Takes it back, and resolves when that has been said. */
  close(): Promise<void>
}

/** Announces a camera by mDNS and DNS-SD in the networks that its door is open to, and answers whoever asks there. */
export function announce({ camera, listening }: AnnounceOptions, { clock, log }: { clock: Clock; log: Log }): Announcement {
  const answering = new Map<string, Answering>()
  let current = camera

  function look(): void {
    stopLooking = clock.after(LOOK_MS, look)
    const wanted = listening === '0.0.0.0' || listening === '::' ? ownAddresses() : isIPv4(listening) ? [listening] : []
    for (const [address, network] of answering) {
      if (wanted.includes(address)) continue
      answering.delete(address)
      void network.close()
    }
    for (const address of wanted) if (!answering.has(address)) answering.set(address, new Answering(address, () => current, { clock, log }))
  }

  let stopLooking = (): void => undefined
  look()
  return {
    update(changes) {
      const before = JSON.stringify(current)
      current = { ...current, ...changes }
      if (JSON.stringify(current) !== before) for (const network of answering.values()) network.tellSoon()
    },
    async close() {
      stopLooking()
      await Promise.all([...answering.values()].map((network) => network.close()))
    },
  }
}

/** One network that is told. */
class Answering {
  readonly #address: string
  readonly #camera: () => AnnouncedCamera
  readonly #clock: Clock
  readonly #link: Link
  #toldMs = -Infinity
  #cancel: (() => void) | undefined
  #again: (() => void) | undefined

  constructor(address: string, camera: () => AnnouncedCamera, { clock, log }: { clock: Clock; log: Log }) {
    this.#address = address
    this.#camera = camera
    this.#clock = clock
    this.#link = openLink(address, { query: (packet, from) => { this.#answer(packet, from) } }, log)
    // Twice at the start, as one packet is easily lost (RFC 6762 §8.3).
    this.tellSoon()
    this.#again = clock.after(2 * REST_MS, () => { this.tellSoon() })
  }

  /** Now, or when the rest after the last time is over. */
  tellSoon(): void {
    if (this.#cancel !== undefined) return
    const restMs = Math.max(0, this.#toldMs + REST_MS - this.#clock.monotonicMs())
    this.#cancel = this.#clock.after(restMs, () => {
      this.#cancel = undefined
      this.#toldMs = this.#clock.monotonicMs()
      void this.#link.send({ type: 'response', answers: this.#records() })
    })
  }

  async close(): Promise<void> {
    this.#cancel?.()
    this.#again?.()
    await this.#link.send({ type: 'response', answers: recordsOf(this.#camera(), [this.#address], true) })
    await this.#link.close()
  }

  #records(): NonNullable<Packet['answers']> {
    return recordsOf(this.#camera(), [this.#address])
  }

  #answer(packet: Packet, from: Sender): void {
    const { questions = [] } = packet
    const about = questionsAbout(this.#camera(), questions)
    // Who asks from another port hears what is sent to that port alone (RFC 6762 §6.7).
    if (from.port !== MDNS_PORT) {
      if (about.camera && this.#mayReply()) void this.#link.send({ type: 'response', id: packet.id, questions, answers: this.#records() }, from)
      return
    }
    if (about.list && this.#mayReply()) void this.#link.send({ type: 'response', answers: [serviceListRecord] })
    if (about.camera && !isKnown(this.#camera(), packet)) this.tellSoon()
  }

  #replies = { sinceMs: -Infinity, count: 0 }

  /** Ten answers a second to single ones: an answer is longer than its question, and addresses are easily made up. */
  #mayReply(): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#replies.sinceMs > 1000) this.#replies = { sinceMs: nowMs, count: 0 }
    return this.#replies.count++ < 10
  }
}
