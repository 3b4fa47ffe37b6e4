import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import { contentFormats } from '../../../lib/coap/index.ts'
import { addTrackEndpoints, createDeviceTracks, type DeviceTracksOptions, type TrackOffer } from '../../../lib/device/index.ts'
import { type TrackEntry, type TrackError, TRACK_ERRORS } from '../../../lib/webrtc/index.ts'
import { MemoryPeerConnections, type MemoryPeerConnection } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { administrator, type Client, type GuardedWorld, guardedWorld } from '../client/guarded-world.ts'

interface TrackWorld extends GuardedWorld {
  /** Tracks that are running now. */
  running: Set<string>
  offers: TrackOffer<MemoryPeerConnection>[]
  /** What the program says to a client's track. */
  verdict: Exclude<TrackError, 'OK'> | undefined
  ends: MemoryPeerConnection[]
}

async function trackWorld(): Promise<TrackWorld> {
  const running = new Set<string>()
  const offers: TrackOffer<MemoryPeerConnection>[] = []
  const ends: MemoryPeerConnection[] = []
  const world: GuardedWorld = await guardedWorld({
    connections: new MemoryPeerConnections(),
    attached: (session, connection) => {
      ends.push(session.peerConnection)
      tracks.attach(session, connection)
    },
  })
  const source: DeviceTracksOptions<MemoryPeerConnection>['sources'][string] = ({ peerConnection }, trackId) => {
    const holder = peerConnection.addTrack(`video of ${trackId}`)
    running.add(trackId)
    return { get mid() { return holder.mid }, end: () => void running.delete(trackId) }
  }
  const options: DeviceTracksOptions<MemoryPeerConnection> = {
    iam: world.iam, host: world.service.host(), sources: { 'frontdoor-video': source, 'frontdoor-audio': source },
    defaults: { videoTrackId: 'frontdoor-video', audioTrackId: 'frontdoor-audio' },
    onTrack: (offer) => {
      offers.push(offer)
      return made.verdict ?? (() => undefined)
    },
  }
  const tracks = createDeviceTracks(options)
  addTrackEndpoints(world.router, tracks, options)
  const made: TrackWorld = { ...world, running, offers, ends, verdict: undefined }
  return made
}

function heardBy({ tracks }: Client): TrackEntry[] {
  const heard: TrackEntry[] = []
  tracks.onchange = (track) => void heard.push(track)
  return heard
}

const json = (value: unknown): { contentFormat: number; payload: Uint8Array } => ({ contentFormat: contentFormats.json, payload: encodeUtf8(JSON.stringify(value)) })

test('a client asks for tracks by id, and hears which is which', async (t) => {
  const world = await trackWorld()
  const client = await administrator(world)
  const heard = heardBy(client)
  t.equal(world.showing.size, 1, 'the plain picture is there without asking')
  await world.during(client.requestTracks(['frontdoor-video', 'no such track']))
  await world.service.clock.advance(1000)
  t.same([...world.running], ['frontdoor-video'])
  t.equal(heard.length, 1)
  t.equal(heard[0].trackId, 'frontdoor-video')
  t.equal(heard[0].error, undefined)
  t.equal(client.tracks.find(heard[0].mid)?.trackId, 'frontdoor-video')
  await world.during(client.requestTracks(['frontdoor-video']))
  await world.service.clock.advance(1000)
  t.equal(heard.length, 1, 'asked again, nothing new')
  const { code } = await world.during(client.coap('GET', '/webrtc/video/frontdoor'))
  t.equal(code, '2.01')
  await world.service.clock.advance(1000)
  t.same(heard.map(({ trackId }) => trackId), ['frontdoor-video', 'frontdoor-audio'])
  t.same([...world.running].sort(), ['frontdoor-audio', 'frontdoor-video'])
})

test('the right decides, and takes the track away with it', async (t) => {
  const world = await trackWorld()
  const stranger = await world.connect()
  for (const [method, path, options] of [
    ['POST', '/webrtc/tracks', json({ tracks: ['frontdoor-video'] })], ['GET', '/webrtc/tracks/default', {}], ['GET', '/webrtc/video/frontdoor', {}],
  ] as const) t.equal((await world.during(stranger.coap(method, path, options))).code, '4.01', path)
  const client = await administrator(world)
  await world.during(client.requestTracks(['frontdoor-video']))
  await world.iam.users.update('admin', { role: 'Unpaired' })
  t.equal(world.running.size, 0)
  await world.iam.users.update('admin', { role: 'Administrator' })
  t.equal(world.running.size, 1)
  client.close()
  await world.service.clock.advance(1000)
  t.equal(world.running.size, 0)
})

test('requests that ask for nothing, or for nothing there is, add nothing', async (t) => {
  const world = await trackWorld()
  const client = await administrator(world)
  const ask = async (options: { contentFormat?: number; payload?: Uint8Array }): Promise<string> =>
    (await world.during(client.coap('POST', '/webrtc/tracks', options))).code
  for (const options of [
    {}, { contentFormat: contentFormats.cbor, payload: Uint8Array.of(0) }, { contentFormat: contentFormats.json, payload: encodeUtf8('{') },
    json([]), json({}), json({ tracks: 'x' }), json({ tracks: [1] }), json({ tracks: Array.from({ length: 33 }, () => 'x') }), json({ tracks: ['x'.repeat(4096)] }),
  ]) t.equal(await ask(options), '4.00')
  for (const tracks of [[], ['other'], ['toString'], Array.from({ length: 32 }, () => 'x')]) t.equal(await ask(json({ tracks })), '4.04')
  t.equal(world.running.size, 0)
})

test('a client adds a track: taken, or refused for each reason, which the client hears', async (t) => {
  for (const error of TRACK_ERRORS) {
    const world = await trackWorld()
    if (error !== 'OK') world.verdict = error
    const client = await administrator(world)
    const heard = heardBy(client)
    const { tracks, viewer: { peerConnection } } = client
    if (peerConnection === undefined) throw new Error('there is no connection')
    tracks.name(peerConnection.addTrack('audio of the client'), 'microphone')
    await world.service.clock.advance(1000)
    t.equal(world.offers.length, 1)
    const { trackId, kind, codecs, mid } = world.offers[0]
    t.same({ trackId, kind, codecs }, { trackId: 'microphone', kind: 'audio', codecs: ['opus'] })
    t.same(heard, error === 'OK' ? [] : [{ mid, trackId: 'microphone', error }])
    t.same(world.ends[0].refusedMids, error === 'OK' ? [] : [mid])
    t.equal(peerConnection.connectionState, 'connected', 'the session goes on')
    await world.during(client.requestTracks(['frontdoor-video']))
    await world.service.clock.advance(1000)
    t.equal(tracks.find(mid)?.error, error === 'OK' ? undefined : error, 'and so does the answer')
    t.equal(world.offers.length, 1, 'nothing is judged twice')
  }
})

test('a stranger may not send, and a track without a name has an empty one', async (t) => {
  const world = await trackWorld()
  const stranger = await world.connect()
  const heard = heardBy(stranger)
  stranger.tracks.name(stranger.viewer.peerConnection?.addTrack('audio of a stranger') ?? {}, 'microphone')
  await world.service.clock.advance(1000)
  t.same(heard.map(({ error }) => error), ['ACCESS_DENIED'])
  t.equal(world.offers.length, 0)
  const client = await administrator(world)
  client.viewer.peerConnection?.addTrack('audio without a name')
  await world.service.clock.advance(1000)
  t.same(world.offers.map(({ trackId }) => trackId), [''])
})
