// Random, mutated and cut input for every decoder. LENSKEY_FUZZ=1000000 makes it that many inputs each.
import tap from 'tap'
import { encodeHex } from '../../lib/bytes/index.ts'
import { CborError, type CborValue, decodeCbor, encodeCbor } from '../../lib/cbor/index.ts'
import { CoapFormatError, createCoapRouter, createCoapStreamReader, decodeCoapFrame, decodeCoapMessage, decodeJsonRequest, decodeJsonResponse, encodeCoapFrame, encodeCoapMessage } from '../../lib/coap/index.ts'
import { createSeededRandom } from '../../runtimes/memory/random.ts'

const INPUTS = Number(process.env.LENSKEY_FUZZ ?? 100_000)
// The runner's own limit is for the short mode.
tap.setTimeout(Math.max(30_000, INPUTS / 5))
/** No input may take longer; the rest of the machine may. */
const SLOWEST_MS = 250

/** Inputs: a sample with some bytes changed, cut, or doubled in part; every fourth is noise. */
function createInputs(seed: number, samples: readonly Uint8Array[]): () => Uint8Array {
  const random = createSeededRandom(seed)
  let pool = random.bytes(65_536)
  let at = 0
  const byte = (): number => {
    if (at === pool.length) {
      pool = random.bytes(65_536)
      at = 0
    }
    return pool[at++]
  }
  return () => {
    if (byte() % 4 === 0) return Uint8Array.from({ length: byte() % 64 }, byte)
    const sample = samples[byte() % samples.length]
    const start = byte() % 8 === 0 ? byte() % sample.length : 0
    const input = sample.slice(start, byte() % 3 === 0 ? start + byte() : undefined)
    for (let changes = byte() % 4; changes > 0 && input.length > 0; changes--) input[((byte() << 8) | byte()) % input.length] = byte() % 2 === 0 ? byte() : 0xff
    return input
  }
}

function fuzz(name: string, samples: readonly Uint8Array[], take: (input: Uint8Array) => unknown, allowed: (thrown: unknown) => boolean): void {
  void tap.test(name, (t) => {
    const next = createInputs(name.length, samples)
    let accepted = 0
    let slowestMs = 0
    for (let count = 0; count < INPUTS; count++) {
      const input = next()
      const startMs = performance.now()
      try {
        take(input)
        accepted++
      } catch (thrown) {
        if (!allowed(thrown)) {
          t.fail(`${encodeHex(input)}: ${String(thrown)}`)
          break
        }
      }
      slowestMs = Math.max(slowestMs, performance.now() - startMs)
    }
    t.ok(accepted > INPUTS / 100, `${accepted} of ${INPUTS} accepted`)
    t.ok(slowestMs < SLOWEST_MS, `slowest took ${slowestMs.toFixed(1)} ms`)
    t.end()
  })
}

const values: CborValue[] = [
  { Username: 'alice', Fingerprints: [{ Fingerprint: 'ab'.repeat(32), Name: 'phone' }], Sct: 'x'.repeat(12), NotificationCategories: [] },
  [1, -1, 1.5, 2n ** 64n, 'é€', new Uint8Array(20), null, true, [[[[[]]]]]], new Map<CborValue, CborValue>([[1, 2], [[1], { a: 1 }]]),
]
fuzz('CBOR', values.map((value) => encodeCbor(value)), (input) => {
  const once = encodeCbor(decodeCbor(input), { deterministic: true })
  if (encodeHex(encodeCbor(decodeCbor(once), { deterministic: true })) !== encodeHex(once)) throw new Error('does not come back')
}, (thrown) => thrown instanceof CborError)

const message = {
  code: '0.02', token: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), payload: new Uint8Array(30),
  options: [{ number: 11, value: 'iam' }, { number: 11, value: 'users' }, { number: 12, value: 60 }, { number: 27, value: 14 }, { number: 60, value: 70_000 }, { number: 2048, value: new Uint8Array(300) }],
}
const isFormat = (thrown: unknown): boolean => thrown instanceof CoapFormatError
fuzz('CoAP over UDP', [encodeCoapMessage({ ...message, type: 'CON', messageId: 7 })], (input) => decodeCoapMessage(input), isFormat)
const frame = encodeCoapFrame(message)
fuzz('CoAP frames', [frame, Uint8Array.of(0, 0xe1, 0x23, 1, 0, 0, 0x20)], (input) => decodeCoapFrame(input), isFormat)
fuzz('CoAP streams', [frame], (input) => createCoapStreamReader().read(input), isFormat)

const texts = ['{"type":0,"requestId":"0123456789abcdef","method":"PUT","path":"/iam/users/x","contentType":60,"payload":{"type":"Buffer","data":[1,2,255]}}',
  '{"type":1,"requestId":"0123456789abcdef","statusCode":205,"contentType":60,"payload":[1,2]}'].map((text) => new Uint8Array(Buffer.from(text)))
fuzz('JSON framing', texts, (input) => {
  const text = Buffer.from(input).toString('latin1')
  if (decodeJsonRequest(text) === undefined && decodeJsonResponse(text) === undefined) throw new CoapFormatError('ERR_COAP_MALFORMED', 'no frame', 0)
}, isFormat)

void tap.test('router', async (t) => {
  const router = createCoapRouter<undefined>()
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'FETCH'] as const
  router.on('GET', '/iam/users/{user}/fingerprints/{fingerprint}', (request) => ({ code: request.parameter('user') === '' ? '5.00' : '2.05' }))
  router.on('PUT', '/iam/{key}', () => { throw new Error('broken') })
  const next = createInputs(7, [new Uint8Array(Buffer.from('/iam/users/alice/fingerprints/ff')), new Uint8Array(Buffer.from('/iam/x'))])
  const seen = new Map<string, number>()
  for (let count = 0; count < INPUTS; count++) {
    const segments = Buffer.from(next()).toString('latin1').split('/').slice(1)
    const { code } = await router.handle({ method: methods[count % methods.length], segments, payload: new Uint8Array(0) }, undefined)
    seen.set(code, (seen.get(code) ?? 0) + 1)
  }
  t.strictSame([...seen.keys()].sort(), ['2.05', '4.04', '5.00'])
})
