import { generate, type NamedOption, type ParsedPacket, parse } from 'coap-packet'
import tap from 'tap'
import { type CoapDatagram, type CoapDatagramType, type CoapOption, coapCodeOf, coapOptions, decodeCoapMessage, encodeCoapMessage } from '../../lib/coap/index.ts'
import { encodeHex, encodeUtf8 } from '../../lib/bytes/index.ts'
import { createSeededRandom } from '../../runtimes/memory/random.ts'

const ROUNDS = 20_000
const definitions = Object.values(coapOptions)
const types: readonly CoapDatagramType[] = ['CON', 'NON', 'ACK', 'RST']

function createMessages(seed: number): () => CoapDatagram {
  const random = createSeededRandom(seed)
  const below = (limit: number): number => ((random.bytes(1)[0] << 8) | random.bytes(1)[0]) % limit
  function option(): CoapOption {
    const { number, format, bytes: [shortest, longest] } = definitions[below(definitions.length)]
    const length = Math.min(longest, shortest + below(below(8) === 0 ? 300 : 14))
    if (format === 'string') return { number, value: 'abcdefghijklmnopqrstuvwxyz'.repeat(13).slice(0, length) }
    return { number, value: format === 'uint' ? below(2 ** (8 * Math.min(2, longest))) : random.bytes(length) }
  }
  return () => {
    const seen = new Set<number>()
    const options = Array.from({ length: below(8) }, option)
      .filter(({ number }) => definitions.some((definition) => definition.number === number && 'repeatable' in definition) || (!seen.has(number) && seen.add(number)))
      .sort((a, b) => a.number - b.number)
    return {
      type: types[below(4)], messageId: below(65536), code: coapCodeOf([1, 2, 3, 4, 65, 69, 132, 160][below(8)]), token: random.bytes(below(9)), options, payload: random.bytes(below(2) * below(600)),
    }
  }
}

/** The number that the peer has named. */
function numberOf(name: number | string): number {
  return typeof name === 'number' ? name : definitions.find((definition) => definition.name === name)?.number ?? Number(name)
}

function bytesOf(value: CoapOption['value']): Uint8Array {
  if (typeof value === 'string') return encodeUtf8(value)
  if (typeof value !== 'number') return value
  const hex = value === 0 ? '' : value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

void tap.test('what we write, coap-packet reads', (t) => {
  const next = createMessages(1)
  for (let round = 0; round < ROUNDS; round++) {
    const message = next()
    const found: ParsedPacket = parse(Buffer.from(encodeCoapMessage(message)))
    const shown = {
      type: types[[found.confirmable, !found.confirmable && !found.ack && !found.reset, found.ack, found.reset].indexOf(true)],
      messageId: found.messageId, code: found.code, token: encodeHex(found.token), payload: encodeHex(found.payload),
      options: found.options.map(({ name, value }) => `${numberOf(name)} ${encodeHex(value as Uint8Array)}`),
    }
    const wanted = {
      type: message.type, messageId: message.messageId, code: message.code, token: encodeHex(message.token), payload: encodeHex(message.payload),
      options: message.options.map(({ number, value }) => `${number} ${encodeHex(bytesOf(value))}`),
    }
    if (JSON.stringify(shown) !== JSON.stringify(wanted)) {
      t.strictSame(shown, wanted)
      break
    }
  }
  t.pass(`${ROUNDS} messages`)
  t.end()
})

void tap.test('what coap-packet writes, we read', (t) => {
  const next = createMessages(2)
  for (let round = 0; round < ROUNDS; round++) {
    const message = next()
    const { type, token, messageId, code, payload } = message
    const bytes = generate({
      code, messageId, token: Buffer.from(token), payload: Buffer.from(payload), confirmable: type === 'CON', ack: type === 'ACK', reset: type === 'RST',
      options: message.options.map(({ number, value }): NamedOption => ({ name: String(number) as NamedOption['name'], value: Buffer.from(bytesOf(value)) })),
    }, 70_000)
    const found = decodeCoapMessage(new Uint8Array(bytes))
    const { badOption, ...rest } = found
    const ours = { ...rest, token: encodeHex(rest.token), payload: encodeHex(rest.payload), options: rest.options.map(({ number, value }) => `${number} ${encodeHex(bytesOf(value))}`) }
    const wanted = { type, messageId, code, token: encodeHex(token), options: message.options.map(({ number, value }) => `${number} ${encodeHex(bytesOf(value))}`), payload: encodeHex(payload) }
    if (badOption !== undefined || ours.code !== wanted.code || JSON.stringify(ours.options) !== JSON.stringify(wanted.options) || ours.payload !== wanted.payload || ours.token !== wanted.token) {
      t.strictSame(ours, wanted)
      break
    }
  }
  t.pass(`${ROUNDS} messages`)
  t.end()
})
