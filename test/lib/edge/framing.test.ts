import { concatBytes, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { createEdgeRecordStream, type EdgeByteStream, EdgeRecordDecoder, encodeEdgeRecord } from '../../../lib/edge/index.ts'
import { isWanted, test } from '../../suite.ts'
import { createSeededRandom, silentLog } from './support.ts'

test('a record is its length in bytes, little endian, and then UTF-8', (t) => {
  t.same([...encodeEdgeRecord('{"type":3}')], [10, 0, 0, 0, ...encodeUtf8('{"type":3}')])
  t.same([...encodeEdgeRecord('é€😀').subarray(0, 4)], [9, 0, 0, 0], 'bytes, not characters')
  t.same([...encodeEdgeRecord('x'.repeat(0x10203)).subarray(0, 4)], [0x03, 0x02, 0x01, 0])
})

test('records come out whole at every cut', (t) => {
  const texts = ['{"type":3}', '', 'é€😀', '{}', 'x'.repeat(300)]
  const bytes = concatBytes(...texts.map((text) => encodeEdgeRecord(text)))
  const wanted = texts.filter((text) => text !== '')
  for (let cut = 0; cut <= bytes.length; cut++) {
    const decoder = new EdgeRecordDecoder()
    t.same([...decoder.push(bytes.subarray(0, cut)), ...decoder.push(bytes.subarray(cut))], wanted)
  }
  for (const size of [1, 2, 3, 5, 7]) {
    const decoder = new EdgeRecordDecoder()
    const found: string[] = []
    for (let at = 0; at < bytes.length; at += size) found.push(...decoder.push(bytes.subarray(at, at + size)))
    t.same(found, wanted, `in pieces of ${size}`)
  }
})

test('a record as long as may be, and one byte more', (t) => {
  const longest = 'y'.repeat(10_000)
  t.same(new EdgeRecordDecoder(10_000).push(encodeEdgeRecord(longest, 10_000)), [longest])
  t.throws(() => encodeEdgeRecord(`${longest}y`, 10_000), 'ERR_EDGE_RECORD_TOO_LARGE')
  const decoder = new EdgeRecordDecoder(10_000)
  t.throws(() => decoder.push(encodeEdgeRecord(`${longest}y`)), 'ERR_EDGE_RECORD_TOO_LARGE')
  t.throws(() => decoder.push(encodeEdgeRecord('{}')), 'ERR_EDGE_RECORD_TOO_LARGE', 'and for good')
  t.throws(() => new EdgeRecordDecoder().push(new Uint8Array([255, 255, 255, 255])), 'ERR_EDGE_RECORD_TOO_LARGE')
})

test('what is no UTF-8 is left out, and the stream goes on', (t) => {
  const decoder = new EdgeRecordDecoder()
  t.same(decoder.push(concatBytes(new Uint8Array([2, 0, 0, 0, 0xc3, 0x28]), encodeEdgeRecord('{}'))), ['{}'])
})

test('random bytes in random pieces: texts or the one coded error', (t) => {
  const random = createSeededRandom(7)
  for (let run = 0; run < 300; run++) {
    const decoder = new EdgeRecordDecoder(1 << 16)
    try {
      for (let piece = 0; piece < 8; piece++) {
        const bytes = random.bytes(random.bytes(1)[0])
        // Small lengths, so that some records come to their end.
        for (let at = 1; at < bytes.length; at += 4) bytes[at] = bytes[at] & 1 ? 0 : bytes[at]
        for (const text of decoder.push(bytes)) t.equal(typeof text, 'string')
      }
    } catch (thrown) {
      t.ok(isWanted(thrown, 'ERR_EDGE_RECORD_TOO_LARGE'), String(thrown))
    }
  }
})

function byteStream(): EdgeByteStream & { written: Uint8Array[]; closed: number } {
  const stream = {
    written: [] as Uint8Array[],
    closed: 0,
    onBytes: undefined,
    onClose: undefined,
    write: (bytes: Uint8Array) => void stream.written.push(bytes),
    close: () => { stream.closed++ },
  }
  return stream
}

test('records on a stream of bytes, until either side has enough', (t) => {
  const bytes = byteStream()
  const stream = createEdgeRecordStream(bytes, { log: silentLog, maxRecordBytes: 100 })
  const seen: string[] = []
  stream.onRecord = (record) => void seen.push(record)
  stream.onClose = () => void seen.push('closed')
  stream.send('{"type":3}')
  t.same(bytes.written, [encodeEdgeRecord('{"type":3}')])
  bytes.onBytes?.(encodeEdgeRecord('one'))
  bytes.onBytes?.(new Uint8Array([101, 0, 0, 0]))
  t.same(seen, ['one', 'closed'])
  t.equal(bytes.closed, 1)
  t.equal(bytes.onBytes, undefined)
  stream.send('late')
  stream.close()
  t.equal(bytes.written.length, 1)

  const other = byteStream()
  const ending = createEdgeRecordStream(other, { log: silentLog, maxRecordBytes: 100 })
  ending.onRecord = () => { ending.close() }
  let ends = 0
  ending.onClose = () => { ends++ }
  const handler = other.onBytes
  handler?.(concatBytes(encodeEdgeRecord('first'), encodeEdgeRecord('second')))
  t.equal(ends, 1, 'nothing is delivered after the end')

  const tooLong = byteStream()
  const sender = createEdgeRecordStream(tooLong, { log: silentLog, maxRecordBytes: 100 })
  sender.send('x'.repeat(101))
  t.equal(tooLong.closed, 1)

  const peer = byteStream()
  let told = 0
  createEdgeRecordStream(peer, { log: silentLog }).onClose = () => { told++ }
  peer.onClose?.()
  t.equal(told, 1)
})
