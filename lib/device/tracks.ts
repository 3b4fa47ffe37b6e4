import type { VirtualConnection } from '../access/index.ts'
import { decodeUtf8, encodeUtf8 } from '../bytes/index.ts'
import { CoapError, type CoapRouter, contentFormats } from '../coap/index.ts'
import { LenskeyError, messageOf } from '../errors.ts'
import type { Iam } from '../iam/index.ts'
import { parseStrictObject } from '../jwt/strict-json.ts'
import type { Host } from '../runtime/index.ts'
import {
  type AudioTrack, isTrackError, MAX_TRACKS, type MediaPeerConnection, type MediaSection, type NegotiationMetadata, parseMediaSections, type PeerConnection,
  sendsMedia, type SessionDescription, type TrackError, type TrackHolder, TrackMetadata, type VideoReceiver,
} from '../webrtc/index.ts'
import { VIDEO_ACTION } from './guard.ts'
import { type AllowedActivity, whileAllowed } from './guard-while-allowed.ts'

/** What tracks need of a session; a `CameraSession` is one. */
export interface TrackSession<Connection extends PeerConnection> {
  readonly peerConnection: Connection & Partial<Pick<MediaPeerConnection, 'onAudio' | 'onVideo' | 'refuseMedia'>>
  metadata: NegotiationMetadata | undefined
}

/** A track that the device has added. */
export interface OfferedTrack extends TrackHolder {
  end(): void
}

/** A track that a client wants to send. */
export interface TrackOffer<Connection extends PeerConnection> {
  /** As the client calls it; empty when it does not say. */
  readonly trackId: string
  readonly mid: string
  readonly kind: 'audio' | 'video'
  /** Of those that we know, in the order of the offer. */
  readonly codecs: readonly string[]
  readonly session: TrackSession<Connection>
  readonly connection: VirtualConnection
}

/** Where a client's track goes: called when the engine has it, before its first packet. */
export type TrackSink = (track: AudioTrack | VideoReceiver) => void

export interface DeviceTracksOptions<Connection extends PeerConnection> {
  iam: Iam
  host: Pick<Host, 'log'>
  /** Tracks that clients may ask for by id. Each begins when it is asked for and ends with the right to it, or with the session. */
  sources: Readonly<Record<string, (session: TrackSession<Connection>, trackId: string) => OfferedTrack>>
  /** What `GET /webrtc/tracks/default` says, and what the old request for the front door gives. */
  defaults?: { videoTrackId?: string; audioTrackId?: string }
  /**
   * Takes a client's track, or says why not: `ACCESS_DENIED` without the right to the picture is said before. Without this, each is
   * refused with `UNKNOWN_ERROR`. What it throws counts as that.
   */
  onTrack?: (offer: TrackOffer<Connection>) => TrackSink | Exclude<TrackError, 'OK'>
}

/** Longest body of a request for tracks. */
const MAX_REQUEST_BYTES = 4096

export interface DeviceTracks<Connection extends PeerConnection> {
  /** To be called before anything is negotiated: sets the session's `metadata`, and takes its `onAudio` and `onVideo`. */
  attach(session: TrackSession<Connection>, connection: VirtualConnection, metadata?: TrackMetadata): void
  /** Adds one of the sources to a session as a request does; nothing happens when it is there. @returns false when nothing is known of that id, or of the connection */
  add(connection: VirtualConnection, trackId: string): boolean
}

interface Attached { add(trackId: string): void }

/** Tracks with names, those that a device adds and those that clients add (protocol/edge-webrtc.md §3). */
export function createDeviceTracks<Connection extends PeerConnection>(options: DeviceTracksOptions<Connection>): DeviceTracks<Connection> {
  const { iam, host: { log }, sources, onTrack } = options
  const attached = new WeakMap<VirtualConnection, Attached>()
  const isKnown = (trackId: string): boolean => Object.prototype.hasOwnProperty.call(sources, trackId)

  function judge(offer: TrackOffer<Connection>): TrackSink | Exclude<TrackError, 'OK'> {
    if (!iam.check(offer.connection, VIDEO_ACTION)) return 'ACCESS_DENIED'
    try {
      return onTrack?.(offer) ?? 'UNKNOWN_ERROR'
    } catch (thrown) {
      log('error', 'track.failed', { connection: offer.connection.id, reason: messageOf(thrown) })
      return 'UNKNOWN_ERROR'
    }
  }

  return {
    attach(session, connection, names = new TrackMetadata('device')): void {
      const { peerConnection } = session
      const offered = new Map<string, AllowedActivity>()
      /** Mids that have been judged; the sink is taken out when the engine brings the track. */
      const judged = new Map<string, TrackSink | undefined>()

      function judgeSection({ kind, mid, codecs, audioCodecs }: MediaSection): void {
        const trackId = names.find(mid)?.trackId ?? ''
        const found = [...codecs, ...audioCodecs].map(({ codec }) => codec)
        const verdict = judge({ trackId, mid, kind: kind as 'audio' | 'video', codecs: found, session, connection })
        judged.set(mid, typeof verdict === 'string' ? undefined : verdict)
        if (typeof verdict !== 'string') {
          names.name({ mid }, trackId)
          return
        }
        log('info', 'track.refused', { connection: connection.id, error: verdict })
        names.name({ mid }, trackId, isTrackError(verdict) ? verdict : 'UNKNOWN_ERROR')
        peerConnection.refuseMedia?.(mid)
      }

      function arrived(track: AudioTrack | VideoReceiver): void {
        if (track.mid === undefined) return
        const sink = judged.get(track.mid)
        judged.set(track.mid, undefined)
        sink?.(track)
      }

      session.metadata = {
        take(metadata: unknown, { type, sdp }: SessionDescription): void {
          names.take(metadata)
          if (type !== 'offer') return
          for (const section of parseMediaSections(sdp).slice(0, MAX_TRACKS)) {
            const isNew = (section.kind === 'audio' || section.kind === 'video') && !section.rejected && sendsMedia(section.direction)
            if (isNew && !judged.has(section.mid) && !names.isOurs(section.mid)) judgeSection(section)
          }
        },
        outgoing: () => (names.isEmpty ? undefined : names.outgoing()),
      }
      peerConnection.onAudio = arrived
      peerConnection.onVideo = arrived

      attached.set(connection, {
        add(trackId): void {
          if (offered.has(trackId)) return
          offered.set(trackId, whileAllowed(iam, connection, VIDEO_ACTION, () => {
            const track = sources[trackId](session, trackId)
            names.name(track, trackId)
            return () => { track.end() }
          }, (thrown) => {
            log('error', 'track.failed', { connection: connection.id, reason: messageOf(thrown) })
          }))
        },
      })
      connection.onEnd(() => {
        attached.delete(connection)
        for (const activity of offered.values()) activity.close()
      })
    },
    add(connection, trackId): boolean {
      const session = attached.get(connection)
      if (session === undefined || !isKnown(trackId)) return false
      session.add(trackId)
      return true
    },
  }
}

/**
 * The requests by which a client has tracks added (protocol/edge-webrtc.md §8.1): `POST /webrtc/tracks`,
 * `GET /webrtc/tracks/default` and the older `GET /webrtc/video/frontdoor`. Ids are looked at before anything is added.
 * @throws {RangeError} the router has one of them already
 */
export function addTrackEndpoints<Connection extends PeerConnection>(
  router: CoapRouter<VirtualConnection>, tracks: DeviceTracks<Connection>,
  { iam, sources, defaults = {} }: Pick<DeviceTracksOptions<Connection>, 'iam' | 'sources' | 'defaults'>,
): void {
  const isKnown = (trackId: string): boolean => Object.prototype.hasOwnProperty.call(sources, trackId)

  function mayWatch(connection: VirtualConnection): void {
    if (!iam.check(connection, VIDEO_ACTION)) throw new CoapError('4.01')
  }

  function add(connection: VirtualConnection, wanted: readonly string[]): { code: '2.01' } {
    const known = wanted.filter(isKnown)
    if (known.length === 0) throw new CoapError('4.04', 'No such feed')
    for (const trackId of known) {
      if (!tracks.add(connection, trackId)) throw new CoapError('5.00', 'Internal Server Error')
    }
    return { code: '2.01' }
  }

  router.on('POST', '/webrtc/tracks', ({ context, contentFormat, payload }) => {
    mayWatch(context)
    if (contentFormat !== contentFormats.json || payload.length === 0) throw new CoapError('4.00', 'Invalid Request. Missing/invalid payload/content format')
    return add(context, readTrackIds(payload))
  })
  router.on('GET', '/webrtc/tracks/default', ({ context }) => {
    mayWatch(context)
    return { code: '2.05', contentFormat: contentFormats.json, payload: encodeUtf8(JSON.stringify(defaults)) }
  })
  router.on('GET', '/webrtc/video/frontdoor', ({ context }) => {
    mayWatch(context)
    return add(context, Object.values(defaults))
  })
}

function readTrackIds(payload: Uint8Array): string[] {
  try {
    if (payload.length > MAX_REQUEST_BYTES) throw new LenskeyError('ERR_COAP_TOO_LARGE', 'the list of tracks is too long')
    const { tracks } = parseStrictObject(decodeUtf8(payload), 4)
    if (!Array.isArray(tracks) || tracks.length > MAX_TRACKS || !tracks.every((id) => typeof id === 'string')) {
      throw new TypeError('tracks is a list of ids')
    }
    return tracks
  } catch (cause) {
    throw new CoapError('4.00', 'Invalid Request. JSON parse error', { cause })
  }
}
