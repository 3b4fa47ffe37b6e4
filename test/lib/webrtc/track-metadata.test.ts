import { decodeSessionMetadata, MAX_TRACK_NAME, MAX_TRACKS, TRACK_ERRORS, TrackMetadata } from '../../../lib/webrtc/index.ts'
import { test } from '../../suite.ts'

test('metadata that a peer sends is read as far as it makes sense', (t) => {
  const nothing = { tracks: [], status: 'OK' }
  for (const value of [undefined, null, 'text', 7, true, []]) t.equal(decodeSessionMetadata(value), undefined)
  for (const value of [{}, { tracks: null }, { tracks: 'no' }, { tracks: [null, 7, 'x', [], {}, { mid: 1, trackId: 'a' }, { mid: '1' }] }]) {
    t.same(decodeSessionMetadata(value), nothing)
  }
  t.same(decodeSessionMetadata({ tracks: [{ mid: '0', trackId: 'a', more: 1 }], status: 'FAILED', noTrickle: true, more: {} }), {
    tracks: [{ mid: '0', trackId: 'a' }], status: 'OK', noTrickle: true,
  })
  t.same(decodeSessionMetadata({ tracks: [], noTrickle: 'yes' }), nothing)
  for (const error of TRACK_ERRORS) {
    const { tracks, status } = decodeSessionMetadata({ tracks: [{ mid: '0', trackId: 'a', error }] }) ?? {}
    t.equal(status, error === 'OK' ? 'OK' : 'FAILED')
    t.equal(tracks?.[0].error, error === 'OK' ? undefined : error)
  }
  for (const error of ['NEWER_ERROR', 7, null]) t.equal(decodeSessionMetadata({ tracks: [{ mid: '0', trackId: 'a', error }] })?.tracks[0].error, 'UNKNOWN_ERROR')
})

test('the longest name and one longer, the last track and one more', (t) => {
  const longest = 'n'.repeat(MAX_TRACK_NAME)
  t.equal(decodeSessionMetadata({ tracks: [{ mid: longest, trackId: longest }] })?.tracks.length, 1)
  t.equal(decodeSessionMetadata({ tracks: [{ mid: `${longest}n`, trackId: 'a' }, { mid: '1', trackId: `${longest}n` }] })?.tracks.length, 0)
  const many = (count: number, from = 0): { mid: string; trackId: string }[] =>
    Array.from({ length: count }, (_, at) => ({ mid: String(from + at), trackId: 'a' }))
  t.equal(decodeSessionMetadata({ tracks: many(MAX_TRACKS) })?.tracks.length, MAX_TRACKS)
  t.equal(decodeSessionMetadata({ tracks: many(MAX_TRACKS + 1) })?.tracks.length, MAX_TRACKS)
  const client = new TrackMetadata('client')
  client.take({ tracks: many(MAX_TRACKS) })
  client.take({ tracks: many(MAX_TRACKS, MAX_TRACKS) })
  t.equal(client.outgoing().tracks.length, MAX_TRACKS)
  client.take({ tracks: [{ mid: '0', trackId: 'b' }] })
  t.equal(client.find('0')?.trackId, 'b', 'what is there already can still change')
  const device = new TrackMetadata('device')
  for (const { mid } of many(MAX_TRACKS)) device.name({ mid }, mid)
  t.throws(() => { device.name({ mid: 'x' }, 'x') }, 'RangeError')
  t.throws(() => { device.name({ mid: '0' }, `${longest}n`) }, 'RangeError')
  device.name({ mid: '0' }, 'again')
  t.equal(device.outgoing().tracks.length, MAX_TRACKS)
})

test('a device goes by the last metadata it got, with what it knows itself on top', (t) => {
  const device = new TrackMetadata('device')
  t.ok(device.isEmpty)
  t.same(device.outgoing(), { tracks: [], status: 'OK' })
  const late: { mid?: string } = {}
  device.name(late, 'front')
  t.same(device.outgoing(), { tracks: [], status: 'OK' }, 'nothing before the section has a mid')
  late.mid = 'device-0'
  t.same(device.outgoing(), { tracks: [{ mid: 'device-0', trackId: 'front' }], status: 'OK' })
  t.same(device.take({ tracks: [{ mid: '1', trackId: 'mic' }] }), [{ mid: '1', trackId: 'mic' }])
  device.name({ mid: '1' }, 'mic', 'ACCESS_DENIED')
  const failed = { tracks: [{ mid: '1', trackId: 'mic', error: 'ACCESS_DENIED' }, { mid: 'device-0', trackId: 'front' }], status: 'FAILED' }
  t.same(device.outgoing(), failed)
  // The error stays, whatever the client says of the track later, and when it says nothing.
  device.take({ tracks: [{ mid: '1', trackId: 'mic' }] })
  t.same(device.outgoing(), failed)
  device.take({ tracks: [], noTrickle: true })
  t.ok(device.noTrickle)
  device.take({ tracks: null })
  t.ok(device.noTrickle, 'it is not taken back')
  t.same(device.outgoing().tracks.length, 2)
  t.equal(device.outgoing().status, 'FAILED')
  device.take(undefined)
  t.equal(device.midOf('front'), 'device-0')
  device.name({ mid: '1' }, 'mic')
  t.equal(device.outgoing().status, 'OK', 'mended')
  device.forget(late)
  device.forget({ mid: '1' })
  t.same(device.outgoing().tracks, [])
})

test('a client keeps all it ever got, and adds the names of its own tracks', (t) => {
  const client = new TrackMetadata('client')
  client.name({ mid: '1' }, 'mic')
  client.take({ tracks: [{ mid: '0', trackId: 'front' }] })
  client.take({ tracks: [{ mid: '1', trackId: 'mic', error: 'INVALID_CODECS' }] })
  t.same(client.outgoing(['0', '1', '2']), {
    tracks: [{ mid: '0', trackId: 'front' }, { mid: '1', trackId: 'mic', error: 'INVALID_CODECS' }], status: 'FAILED',
  })
  t.same(client.outgoing(['0']), { tracks: [{ mid: '0', trackId: 'front' }], status: 'OK' })
  t.equal(client.find('1')?.error, 'INVALID_CODECS')
  t.equal(client.find('2'), undefined)
})
