import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { attachVideo, countVideo, createClipSource, createRtpSource } from '../../runtimes/node/media/index.ts'
import { VideoFanOut } from '../../runtimes/node/media/fan-out.ts'
import { belongsToH264KeyFrame } from '../../runtimes/node/media/h264.ts'
import { readIvf } from '../../runtimes/node/media/ivf.ts'
import { asksForKeyFrame, isRtcp } from '../../runtimes/node/media/rtcp.ts'
import { makeRtp, parseRtp } from '../../runtimes/node/media/rtp.ts'
import { isVp8KeyFrame, maxPayloadBytes, packetizeVp8, startsVp8KeyFrame } from '../../runtimes/node/media/vp8.ts'
import { loadEngine } from '../../runtimes/node/webrtc/index.ts'
import { negotiate, until } from './support/negotiating-pair.ts'

const clipFile = 'runtimes/node/media/clip.ivf'
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** One frame in one packet. */
const frame = (number: number, isKey = false, ssrc = 1) =>
  makeRtp({ payloadType: 96, marker: true, sequenceNumber: number & 0xffff, timestamp: (number * 6000) >>> 0, ssrc }, new Uint8Array([0x10, isKey ? 0 : 1, number]))

const places = (packets: Uint8Array[]) => packets.map((packet) => {
  const header = parseRtp(packet)
  return { sequence: header?.sequenceNumber ?? -1, timestamp: header?.timestamp ?? -1, name: packet[14] }
})

function checkContinuity(t: Test, packets: Uint8Array[]): void {
  const all = places(packets)
  for (const [index, { sequence, timestamp }] of all.entries()) {
    if (index === 0) continue
    const before = all[index - 1]
    if (sequence !== ((before.sequence + 1) & 0xffff)) t.fail(`sequence number ${sequence} after ${before.sequence}`)
    const step = (timestamp - before.timestamp) | 0
    if (step < 0 || step > 90_000) t.fail(`timestamp ${timestamp} after ${before.timestamp}`)
  }
}

void tap.test('the clip is small, whole, and begins with a key frame every second', (t) => {
  const clip = readIvf(readFileSync(clipFile))
  t.ok(statSync(clipFile).size < 400_000)
  t.match(clip, { fourcc: 'VP80', width: 640, height: 360, framesPerSecond: 15 })
  t.equal(clip.frames.length, 120)
  t.same(clip.frames.flatMap((data, index) => (isVp8KeyFrame(data) ? [index] : [])), [0, 15, 30, 45, 60, 75, 90, 105])
  t.end()
})

void tap.test('an IVF file that is cut anywhere is refused', (t) => {
  const file = readFileSync(clipFile).subarray(0, 32)
  const tiny = Buffer.concat([file, Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3])])
  t.equal(readIvf(tiny).frames.length, 1)
  for (let length = 0; length < tiny.length; length++) t.throws(() => readIvf(tiny.subarray(0, length)), { code: 'ERR_IVF' })
  t.throws(() => readIvf(new Uint8Array(16 * 1024 * 1024 + 1)), { code: 'ERR_IVF' })
  t.end()
})

void tap.test('a VP8 frame comes out of its packets as it went in', (t) => {
  for (const length of [1, maxPayloadBytes, maxPayloadBytes + 1, 13_198]) {
    const data = Uint8Array.from({ length }, (_, index) => (index * 7) & 0xfe)
    const payloads = packetizeVp8(data)
    t.same(Buffer.concat(payloads.map((payload) => payload.subarray(1))), Buffer.from(data))
    t.equal(payloads.length, Math.ceil(length / maxPayloadBytes))
    t.ok(payloads.every((payload) => payload.length <= maxPayloadBytes + 1))
    t.same(payloads.map(startsVp8KeyFrame), payloads.map((_, index) => index === 0))
  }
  t.end()
})

void tap.test('key frames are seen through every form of packet', (t) => {
  t.ok(startsVp8KeyFrame(new Uint8Array([0x10, 0x00])))
  t.notOk(startsVp8KeyFrame(new Uint8Array([0x10, 0x01])), 'an interframe')
  t.notOk(startsVp8KeyFrame(new Uint8Array([0x00, 0x00])), 'not the start of a partition')
  t.notOk(startsVp8KeyFrame(new Uint8Array([0x11, 0x00])), 'another partition')
  t.ok(startsVp8KeyFrame(new Uint8Array([0x90, 0x80, 0x05, 0x00])), 'a picture id of 7 bits')
  t.ok(startsVp8KeyFrame(new Uint8Array([0x90, 0xf0, 0x85, 0x05, 0x01, 0x20, 0x00])), 'every extension')
  t.notOk(startsVp8KeyFrame(new Uint8Array([0x90, 0xf0, 0x85])), 'cut short')
  t.ok(belongsToH264KeyFrame(new Uint8Array([0x67])), 'SPS')
  t.ok(belongsToH264KeyFrame(new Uint8Array([0x65])), 'IDR')
  t.notOk(belongsToH264KeyFrame(new Uint8Array([0x41])), 'another slice')
  t.ok(belongsToH264KeyFrame(new Uint8Array([0x7c, 0x85])), 'first fragment of an IDR')
  t.notOk(belongsToH264KeyFrame(new Uint8Array([0x7c, 0x05])), 'a later fragment')
  t.ok(belongsToH264KeyFrame(new Uint8Array([0x78, 0, 1, 0x09, 0, 2, 0x67, 1])), 'an aggregate with an SPS')
  t.notOk(belongsToH264KeyFrame(new Uint8Array([0x78, 0, 0, 0, 0, 0, 0])), 'an empty aggregate')
  t.notOk(belongsToH264KeyFrame(new Uint8Array(0)))
  t.end()
})

void tap.test('requests for a key frame are seen in compound RTCP', (t) => {
  const receiverReport = [0x80, 201, 0, 1, 0, 0, 0, 1]
  const feedback = (format: number) => [0x80 | format, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]
  t.ok(asksForKeyFrame(new Uint8Array([...receiverReport, ...feedback(1)])), 'PLI')
  t.ok(asksForKeyFrame(new Uint8Array(feedback(4))), 'FIR')
  t.notOk(asksForKeyFrame(new Uint8Array([...receiverReport, ...feedback(15)])), 'REMB')
  t.notOk(asksForKeyFrame(new Uint8Array([0x80, 201])))
  t.ok(isRtcp(new Uint8Array(receiverReport)))
  t.notOk(isRtcp(frame(1)))
  t.end()
})

void tap.test('RTP that is cut or malformed is no RTP', (t) => {
  const withAll = new Uint8Array([0xb1, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 0x10, 0, 7, 2])
  t.match(parseRtp(withAll), { payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3, payloadStart: 24, payloadEnd: 26 })
  for (let length = 0; length < 24; length++) t.equal(parseRtp(withAll.subarray(0, length)), undefined)
  t.equal(parseRtp(new Uint8Array(12)), undefined, 'another version')
  t.end()
})

void tap.test('a viewer that joins late starts with the last key frame', (t) => {
  const source = new VideoFanOut('VP8')
  source.push(frame(1))
  const first: Uint8Array[] = []
  source.subscribe((packet) => first.push(packet))
  source.push(frame(2))
  t.equal(first.length, 0, 'nothing that cannot be decoded')
  for (const number of [3, 4, 5]) source.push(frame(number, number === 3))
  const late: Uint8Array[] = []
  source.subscribe((packet) => late.push(packet))
  t.same(places(late).map(({ name }) => name), [3, 4, 5], 'at once')
  source.push(frame(6))
  t.same(places(first).map(({ name }) => name), [3, 4, 5, 6])
  t.same(places(late).map(({ name }) => name), [3, 4, 5, 6])
  t.equal(places(late)[3].timestamp - places(late)[2].timestamp, 6000, 'and goes on at the pace of the source')
  checkContinuity(t, first)
  checkContinuity(t, late)
  t.end()
})

void tap.test('a repeated key frame fits into the stream, and not too often', async (t) => {
  const source = new VideoFanOut('VP8')
  const packets: Uint8Array[] = []
  const others: Uint8Array[] = []
  const subscription = source.subscribe((packet) => packets.push(packet))
  source.subscribe((packet) => others.push(packet))
  for (let number = 65_530; number < 65_540; number++) source.push(frame(number, number === 65_530))
  subscription.requestKeyFrame()
  t.equal(packets.length, 10, 'not within a second of the last')
  await sleep(1010)
  subscription.requestKeyFrame()
  subscription.requestKeyFrame()
  t.equal(packets.length, 20)
  source.push(frame(65_540))
  t.equal(packets.length, 21)
  t.equal(others.length, 11, 'for the viewer who asked alone')
  checkContinuity(t, packets)
  subscription.end()
  source.push(frame(65_541))
  t.equal(packets.length, 21)
})

void tap.test('a source that begins anew goes on for its viewers', (t) => {
  const source = new VideoFanOut('VP8')
  const packets: Uint8Array[] = []
  source.subscribe((packet) => packets.push(packet))
  source.push(frame(10, true))
  source.push(frame(11))
  source.push(frame(50_000, false, 2))
  t.equal(packets.length, 2, 'until a key frame comes')
  source.push(frame(50_001, true, 2))
  source.push(frame(50_002, false, 2))
  t.equal(packets.length, 4)
  checkContinuity(t, packets)
  t.end()
})

void tap.test('what is kept for late viewers is bounded', (t) => {
  const late = (source: VideoFanOut) => {
    let count = 0
    source.subscribe(() => count++).end()
    return count
  }
  const byPackets = new VideoFanOut('VP8', { maxKeptPackets: 3 })
  for (let number = 1; number <= 3; number++) byPackets.push(frame(number, number === 1))
  t.equal(late(byPackets), 3)
  byPackets.push(frame(4))
  t.equal(late(byPackets), 0, 'one more, and viewers wait for the next key frame')
  byPackets.push(frame(5))
  t.equal(late(byPackets), 0)
  byPackets.push(frame(6, true))
  t.equal(late(byPackets), 1)
  const byBytes = new VideoFanOut('VP8', { maxKeptBytes: 30 })
  byBytes.push(frame(1, true))
  byBytes.push(frame(2))
  t.equal(late(byBytes), 2)
  byBytes.push(frame(3))
  t.equal(late(byBytes), 0)
  t.end()
})

/** The first frames of the clip as a clip of its own, 30 a second. */
function shortClip(t: Test, frames: number): string {
  const file = join(t.testdir(), 'short.ivf')
  const header = readFileSync(clipFile).subarray(0, 32)
  header.writeUInt32LE(30, 16)
  header.writeUInt32LE(1, 20)
  const bodies = readIvf(readFileSync(clipFile)).frames.slice(0, frames).map((data) => {
    const length = Buffer.alloc(12)
    length.writeUInt32LE(data.length)
    return Buffer.concat([length, data])
  })
  writeFileSync(file, Buffer.concat([header, ...bodies]))
  return file
}

void tap.test('a clip plays at its pace, over its end, and only for somebody', async (t) => {
  const source = createClipSource(shortClip(t, 12))
  t.teardown(() => source.close())
  const packets: Uint8Array[] = []
  const subscription = source.subscribe((packet) => packets.push(packet))
  await sleep(2000)
  const timestamps = new Set(places(packets).map(({ timestamp }) => timestamp))
  t.ok(timestamps.size >= 50 && timestamps.size <= 63, `${timestamps.size} frames in 2 s, several loops`)
  const first = [...timestamps][0]
  t.ok([...timestamps].every((timestamp) => ((timestamp - first) >>> 0) % 3000 === 0), 'one frame time apart, over the end as well')
  checkContinuity(t, packets)
  subscription.end()
  const atEnd = packets.length
  await sleep(100)
  t.equal(packets.length, atEnd)
  const again: Uint8Array[] = []
  source.subscribe((packet) => again.push(packet))
  t.ok(startsVp8KeyFrame(again[0].subarray(12)), 'a key frame at once')
  source.close()
  const atClose = again.length
  await sleep(100)
  t.equal(again.length, atClose)
})

for (const engine of ['node-datachannel', 'werift'] as const) {
  void tap.test(`four viewers of one source, one of them late, over ${engine}`, async (t) => {
    const create = await loadEngine(engine, { loopbackOnly: true })
    const source = createClipSource()
    t.teardown(() => source.close())
    const join = () => {
      const [viewer, camera] = [create({ iceServers: [] }), create({ iceServers: [] })]
      const pair = negotiate(viewer, camera)
      const packets: Uint8Array[] = []
      viewer.onVideo = (receiver) => countVideo(receiver, (packet) => packets.push(packet))
      const detach = attachVideo(camera, source, 'front')
      t.teardown(() => {
        detach()
        pair.close()
      })
      return packets
    }
    const early = [join(), join(), join()]
    await Promise.all(early.map((packets) => until(() => packets.length > 20, 'an early viewer sees frames')))
    const late = join()
    await until(() => late.length > 20, 'the late viewer sees frames')
    for (const packets of [...early, late]) {
      t.ok(startsVp8KeyFrame(packets[0].subarray(12)), 'a key frame first')
      checkContinuity(t, packets)
    }
  })
}

for (const engine of ['node-datachannel', 'werift'] as const) {
  void tap.test(`a picture that ends and comes back, over ${engine}`, async (t) => {
    const create = await loadEngine(engine, { loopbackOnly: true })
    const source = createClipSource()
    const [viewer, camera] = [create({ iceServers: [] }), create({ iceServers: [] })]
    const pair = negotiate(viewer, camera)
    const packets: Uint8Array[] = []
    let tracks = 0
    viewer.onVideo = (receiver) => {
      tracks++
      countVideo(receiver, (packet) => packets.push(packet))
    }
    attachVideo(camera, createClipSource(), 'other')()
    for (const round of [1, 2, 3]) {
      const detach = attachVideo(camera, source, 'front')
      await until(() => packets.length > 20 * round, `packets of round ${round}`)
      detach()
      await new Promise((resolve) => setTimeout(resolve, 300))
      const seen = packets.length
      await new Promise((resolve) => setTimeout(resolve, 300))
      t.equal(packets.length, seen, 'nothing comes in between')
    }
    t.equal(tracks, 2)
    checkContinuity(t, packets)
    pair.close()
    source.close()
  })
}

void tap.test('RTP on a port is passed on, and other bytes are not', async (t) => {
  const { createSocket } = await import('node:dgram')
  const source = await createRtpSource({ codec: 'VP8', port: 0 })
  const socket = createSocket('udp4')
  t.teardown(() => {
    socket.close()
    source.close()
    source.close()
  })
  const packets: Uint8Array[] = []
  source.subscribe((packet) => packets.push(packet))
  for (const packet of ['hello', new Uint8Array(0), new Uint8Array(1401).fill(0x80), new Uint8Array([0x80, 201, 0, 1, 0, 0, 0, 1]), frame(1, true), frame(2)]) {
    await new Promise((resolve) => socket.send(packet, source.port, '127.0.0.1', resolve))
  }
  await until(() => packets.length === 2, 'both packets arrive')
  await t.rejects(createRtpSource({ codec: 'VP8', port: source.port }), { code: 'ERR_RTP_PORT' })
})
