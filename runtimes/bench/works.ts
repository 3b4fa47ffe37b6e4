import { decodeCbor, encodeCbor } from '../../lib/cbor/index.ts'
import { type CoapDatagram, decodeCoapMessage, encodeCoapMessage } from '../../lib/coap/index.ts'
import { createSigner, createVerifier, parsePrivateKey, sha256 } from '../../lib/crypto/index.ts'
import { createSignalingDevice, DeviceTokenGenerator } from '../../lib/device/index.ts'
import { type NativeCrypto, type Random, silentLog, type WebSocketHandlers } from '../../lib/runtime/index.ts'
import { SignalingConnectionState } from '../../lib/signaling/index.ts'
import { SharedSecretSigner } from '../../lib/signaling/signing.ts'
import { createMemoryClock } from '../memory/clock.ts'
import { iamUser } from './iam-user.ts'

/** What is measured: one turn of it. Its name is that of its row. */
export interface Work {
  readonly row: string
  /** Bytes that a turn goes over, for a row in MB/s; else turns per second are counted. */
  readonly bytes?: number
  turn(): unknown
}

export interface BenchHost {
  random: Random
  /** Adds the rows that end in `(host)`; those without are the language alone. */
  nativeCrypto?: NativeCrypto | undefined
}

/** A key for measuring; it guards nothing. */
const KEY = '1d6b1c0e8f7a4f3b9a5c2e4d6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2'
const HASHED_BYTES = 4096

/** Each made ready, so that a turn is the work alone. */
export async function benchWorks({ random, nativeCrypto }: BenchHost): Promise<Work[]> {
  const crypto = (native?: NativeCrypto): Work[] => {
    const host = { random, ...(native !== undefined && { nativeCrypto: native }) }
    const by = native === undefined ? '' : ' (host)'
    const key = parsePrivateKey(KEY, host)
    const [signer, verifier] = [createSigner(key, host), createVerifier(key.publicKey, host)]
    const [message, long] = [new Uint8Array(330), new Uint8Array(HASHED_BYTES)]
    let signature: Uint8Array | undefined
    return [
      { row: `sign${by}`, turn: async () => { signature = await signer.sign(message) } },
      {
        row: `verify${by}`,
        async turn() {
          signature ??= await signer.sign(message)
          if (!await verifier.verify(message, signature)) throw new Error('a good signature was refused')
        },
      },
      { row: `SHA-256${by}`, bytes: HASHED_BYTES, turn: () => sha256(long, native) },
    ]
  }
  const [user, request] = [encodeCbor(iamUser), encodeCoapMessage(coapRequest())]
  return [
    ...crypto(),
    ...(nativeCrypto === undefined ? [] : crypto(nativeCrypto)),
    { row: 'CBOR encode', turn: () => encodeCbor(iamUser) },
    { row: 'CBOR decode', turn: () => decodeCbor(user) },
    { row: 'CoAP encode', turn: () => encodeCoapMessage(coapRequest()) },
    { row: 'CoAP decode', turn: () => decodeCoapMessage(request) },
    signedMessages({ random, nativeCrypto }),
    await reconnects({ random, nativeCrypto }),
  ]
}

/** One token, by whatever the host has: the first of a process is a row of its own. */
export function firstToken({ random, nativeCrypto }: BenchHost, nowMs: number): Promise<string> {
  return new DeviceTokenGenerator('wp-bench', 'wd-bench', KEY, { clock: { nowMs: () => nowMs }, random, ...(nativeCrypto && { nativeCrypto }) }).generateToken()
}

function coapRequest(): CoapDatagram {
  const path = ['iam', 'users', 'eve'].map((value) => ({ number: 11, value }))
  return { type: 'CON', messageId: 4711, code: '0.03', token: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), payload: encodeCbor(iamUser), options: [...path, { number: 12, value: 60 }] }
}

/** One message of a session, signed by one end and verified by the other, there and back. */
function signedMessages({ random, nativeCrypto }: BenchHost): Work {
  const host = { random, clock: createMemoryClock(), ...(nativeCrypto && { nativeCrypto }) }
  const [client, device] = ['default', undefined].map((keyId) => new SharedSecretSigner('a secret of camera and viewer', keyId, host, 65_536))
  const message = { type: 'CANDIDATE', candidate: { candidate: `candidate:1 1 udp 2122260223 192.168.1.2 50000 typ host ${'x'.repeat(100)}`, sdpMid: '0' } }
  return {
    row: 'signed messages',
    turn() {
      device.verify(client.sign(message))
      client.verify(device.sign(message))
    },
  }
}

/** A device that loses its seat and takes it again: token, request, socket; no network, and the time of waiting left out. */
async function reconnects({ random, nativeCrypto }: BenchHost): Promise<Work> {
  const clock = createMemoryClock()
  const sockets: WebSocketHandlers[] = []
  const tokens = new DeviceTokenGenerator('wp-bench', 'wd-bench', KEY, { clock, random, ...(nativeCrypto && { nativeCrypto }) })
  const body = Uint8Array.from('{"signalingUrl":"wss://bench.example/seat"}', (character) => character.charCodeAt(0))
  const device = createSignalingDevice({ productId: 'wp-bench', deviceId: 'wd-bench', endpointUrl: 'https://bench.example', tokenGenerator: () => tokens.generateToken() }, {
    clock, random, log: silentLog,
    http: { request: () => Promise.resolve({ status: 200, header: () => undefined, body }) },
    webSockets: {
      open(_url, handlers) {
        sockets.push(handlers)
        return { send: () => undefined, close: () => undefined, abandon: () => undefined, bufferedBytes: () => 0 }
      },
    },
  })
  const opened = async (): Promise<void> => {
    for (let waitedMs = 0; sockets.length === 0 && waitedMs < 600_000; waitedMs += 1000) await clock.advance(1000)
    sockets[0].opened()
    if (device.connectionState !== SignalingConnectionState.CONNECTED) throw new Error('the device did not connect')
  }
  device.start()
  await opened()
  return {
    row: 'reconnect',
    async turn() {
      sockets.splice(0)[0].closed(1006, '')
      await opened()
    },
  }
}
