import type * as NodeDatachannel from 'node-datachannel'
import { randomBytes } from 'node:crypto'
import type { AudioTrack, AudioTrackOptions, VideoReceiver, VideoSenderOptions } from '../../../lib/webrtc/peer-connection.ts'
import { type MediaSection, receivesMedia, sendsMedia } from '../../../lib/webrtc/sdp.ts'
import { HeldNative, type UntoldCloses } from './held-native.ts'
import type { Guard } from './listeners.ts'
import { NativeAudioTrack } from './node-datachannel-audio.ts'
import { NativeVideoReceiver, NativeVideoSender } from './node-datachannel-video.ts'

type Medium = NativeVideoSender | NativeVideoReceiver | NativeAudioTrack

/** Where the program hears of what the peer sends. */
interface MediaEvents {
  onVideo: ((receiver: VideoReceiver) => void) | undefined
  onAudio: ((track: AudioTrack) => void) | undefined
}

/** Picture and sound of one connection, ours and the peer's. */
export class NativeMedia {
  readonly #library: typeof NodeDatachannel
  readonly #native: NodeDatachannel.PeerConnection
  readonly #events: MediaEvents
  readonly #guard: Guard
  readonly #untold: UntoldCloses
  readonly #senders: NativeVideoSender[] = []
  readonly #receivers: NativeVideoReceiver[] = []
  readonly #audio: NativeAudioTrack[] = []
  /** Tracks of the peer that nobody asked for. */
  readonly #unasked: HeldNative<NodeDatachannel.Track>[] = []
  /** Sections that our answers say no to. */
  readonly #refused = new Set<string>()

  constructor(library: typeof NodeDatachannel, native: NodeDatachannel.PeerConnection, events: MediaEvents, guard: Guard, untold: UntoldCloses) {
    this.#library = library
    this.#native = native
    this.#events = events
    this.#guard = guard
    this.#untold = untold
  }

  /** The section of each; undefined of one that was never offered. */
  get mids(): (string | undefined)[] {
    return this.#all.map(({ mid }) => mid)
  }

  get bytesSent(): number {
    return sum(this.#senders.map(({ bytes }) => bytes)) + sum(this.#audio.map(({ bytesSent }) => bytesSent))
  }

  get bytesReceived(): number {
    return sum(this.#receivers.map(({ bytes }) => bytes)) + sum(this.#audio.map(({ bytesReceived }) => bytesReceived))
  }

  addVideoSender(options: VideoSenderOptions): NativeVideoSender {
    return added(this.#senders, new NativeVideoSender(this.#library, options, this.#guard, this.#untold))
  }

  addVideoReceiver(): void {
    this.#receivers.push(new NativeVideoReceiver(this.#library, this.#guard, this.#untold))
  }

  addAudio(options: AudioTrackOptions): NativeAudioTrack {
    return added(this.#audio, new NativeAudioTrack(this.#library, this.#guard, this.#untold, options))
  }

  refuse(mid: string): void {
    this.#refused.add(mid)
  }

  /** A description of ours with nothing flowing in the sections that were refused. */
  withoutRefused(sdp: string): string {
    if (this.#refused.size === 0) return sdp
    return sdp.split(/^(?=m=)/m).map((section) => {
      const mid = /^a=mid:(\S+)/m.exec(section)?.[1]
      return mid !== undefined && this.#refused.has(mid) ? section.replace(/^a=(?:sendrecv|sendonly|recvonly)(?=\r?$)/m, 'a=inactive') : section
    }).join('')
  }

  /** Makes native tracks for what was never offered. */
  bindToOurOffer(): void {
    for (const medium of this.#all) if (medium.mid === undefined) medium.bind(this.#native, randomBytes(3).toString('hex'))
  }

  /** Puts what we want to send into the sections the peer keeps open for it; the answer then says so. */
  bindToOffer(sections: MediaSection[]): void {
    const taken = new Set(this.mids)
    for (const { kind, mid, direction, codecs } of sections) {
      if (kind !== 'video' || taken.has(mid) || !receivesMedia(direction)) continue
      const sender = this.#senders.find((candidate) => candidate.mid === undefined && codecs.some(({ codec }) => codec === candidate.codec))
      sender?.bind(this.#native, mid, codecs.find(({ codec }) => codec === sender.codec))
    }
  }

  /** A track that the peer's description made. @returns whether it is of use */
  take(track: NodeDatachannel.Track): boolean {
    if (track.type() === 'audio') {
      const audio = new NativeAudioTrack(this.#library, this.#guard, this.#untold)
      audio.take(track)
      this.#audio.push(audio)
    } else if (track.type() === 'video' && track.direction() !== 'SendOnly') {
      const receiver = new NativeVideoReceiver(this.#library, this.#guard, this.#untold)
      receiver.take(track)
      this.#receivers.push(receiver)
    } else {
      this.#unasked.push(new HeldNative(track, this.#untold))
      return false
    }
    return true
  }

  /** Takes what both ends agreed on. @param sections - the peer's */
  agree(sections: MediaSection[]): void {
    for (const section of sections) {
      const { kind, mid, rejected, direction, codecs } = section
      if (this.#refused.has(mid)) continue
      const audio = kind === 'audio' ? this.#audio.find((candidate) => candidate.mid === mid) : undefined
      if (audio?.agree(section) === true) this.#guard.guard(() => this.#events.onAudio?.(audio))
      if (kind !== 'video') continue
      const wantsOurs = !rejected && receivesMedia(direction)
      this.#senders.find((sender) => sender.mid === mid)?.agree(wantsOurs ? codecs : [])
      const receiver = this.#receivers.find((candidate) => candidate.mid === mid)
      if (!rejected && sendsMedia(direction) && receiver?.agree(codecs)) this.#guard.guard(() => this.#events.onVideo?.(receiver))
    }
  }

  stop(): void {
    for (const medium of this.#all) medium.stop()
    for (const track of this.#unasked) track.letGo()
  }

  get #all(): Medium[] {
    return [...this.#senders, ...this.#receivers, ...this.#audio]
  }
}

function added<Item>(list: Item[], item: Item): Item {
  list.push(item)
  return item
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
