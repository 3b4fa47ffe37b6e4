import { decodeUtf8 } from '../../lib/bytes/index.ts'
import { createSigner, fingerprintOf, parsePrivateKey } from '../../lib/crypto/index.ts'
import { createLearnedClock, DeviceTokenGenerator } from '../../lib/device/index.ts'
import { LenskeyError, messageOf } from '../../lib/errors.ts'
import type { CancelTimer, Clock, LogLevel } from '../../lib/runtime/index.ts'
import { benchBoard } from '../bench/board.ts'
import { firstPairing, openCameraIam } from '../camera/iam.ts'
import { oauthOptions, readOauth } from '../camera/oauth.ts'
import { readMaxViewers, viewersOptions } from '../camera/viewers.ts'
import { createRemoteCamera } from '../camera/remote.ts'
import { createCameraSessions } from '../camera/sessions.ts'
import { UsageError } from '../camera/usage-error.ts'
import { Engine, type EngineConnection } from './engine-peer-connection.ts'
import { type Board, boardClock, boardLog, boardStorage, boardStreams, createBoardHost, fromBoard } from './host.ts'
import { helpText, integer, type Option, parseOptions } from './options.ts'
import { createTimeHttp } from './time-http.ts'

/** Written in by the build (build-board.mjs). */
declare const LENSKEY_VERSION: string
/** When it was built, milliseconds since 1970: no time is before that. */
declare const LENSKEY_BUILT_MS: number

const options = {
  endpoint: { value: 'URL', help: 'the rendezvous, such as https://rendezvous.example' },
  product: { value: 'ID', help: 'product ID' },
  device: { value: 'ID', help: 'device ID' },
  key: { value: 'FILE', help: 'private key of the camera: PEM, JWK or 64 hexadecimal digits' },
  ca: { value: 'FILE', help: 'the authorities that the certificate of the rendezvous has to lead to, PEM' },
  data: { value: 'FOLDER', help: 'where users, settings and the latest known time are kept' },
  'front-end': { value: 'URL', help: 'page that the pairing link leads to (default the rendezvous\'s own)' },
  'shared-secret-file': { value: 'FILE', help: 'secret that stands for the user default, a Guest at first' },
  'require-authorized': { help: 'serve only viewers that the rendezvous vouches for' },
  'authorized-role': { value: 'ROLE', help: 'role of viewers that the rendezvous vouches for (default Guest with --require-authorized, else none)' },
  ...oauthOptions,
  'stream-file': { value: 'FILE', help: 'file of up to 1 MiB that a client gets from stream port 80, with the right Webrtc:FileStream' },
  engine: { value: 'PATH', help: 'local socket of the WebRTC engine (docs/engine-protocol.md)', default: '/run/lenskey/engine.sock' },
  'token-lifetime': { value: 'SECONDS', help: 'life of the tokens that the rendezvous is shown: no longer than it takes', default: '86400' },
  'max-viewers': { value: 'N', help: 'viewers at a time', default: '4' },
  ...viewersOptions,
  'heap-cap': { value: 'KIB', help: 'memory of the program; beyond it ends with exit code 75, to be started again', default: '8192' },
  'log-level': { value: 'LEVEL', help: 'debug, info, warn or error', default: 'warn' },
  'print-invitation': { help: 'print the link by which the first user pairs as administrator, and end' },
  'print-heap': { help: 'print when the first token was made, and the heap (bytes now, and at its largest) every 2 seconds from the first connection on' },
  bench: { help: 'measure this board, print a table and a line of JSON, and end (docs/bench.md)' },
  label: { value: 'TEXT', help: 'for --bench: what the board is called' },
  'bench-repeat': { value: 'ROW=TIMES', help: 'do one work of the bench so many times, and end' },
  version: { help: 'print the version, and end' },
  help: { help: 'print this, and end' },
} satisfies Record<string, Option>

type Given = Partial<Record<keyof typeof options, string>>

const MAX_FILE_BYTES = 65_536
const PRINT_HEAP_MS = 2_000
const MAX_CA_BYTES = 1_048_576
const MAX_STREAM_FILE_BYTES = 1_048_576
/** Of what is sent at a time: it lies in the heap until the peer has it. */
const STREAM_PIECE_BYTES = 16_384
/** From sysexits.h, as those of the host are (docs/porting.md). */
const EXIT_USAGE = 64
const EXIT_CANNOT_START = 78

/** Runs the camera until it is asked to stop. */
export function main(board: Board): void {
  let given: Given
  try {
    given = parseOptions(board.args, options)
    if (given.version !== undefined) board.print(`lenskey-camera ${LENSKEY_VERSION}`, false)
    else if (given.help !== undefined) board.print(`lenskey-camera: a camera behind a rendezvous\n\n${helpText(options)}`, false)
    else if (given.bench !== undefined || given['bench-repeat'] !== undefined) {
      benchBoard(board, { version: LENSKEY_VERSION, label: given.label, repeat: given['bench-repeat'] }).then(() => {
        board.exit(0)
      }, (thrown: unknown) => {
        stopWith(board, thrown)
      })
      return
    } else {
      start(board, given).catch((thrown: unknown) => {
        stopWith(board, thrown)
      })
      return
    }
    board.exit(0)
  } catch (thrown) {
    stopWith(board, thrown)
  }
}

function stopWith(board: Board, thrown: unknown): void {
  const code = thrown instanceof LenskeyError ? `${thrown.code}: ` : ''
  board.print(`lenskey-camera: ${code}${messageOf(thrown)}`, true)
  board.exit(thrown instanceof UsageError ? EXIT_USAGE : EXIT_CANNOT_START)
}

async function start(board: Board, given: Given): Promise<void> {
  const startedMs = board.startedMs ?? board.monotonicMs()
  let hasSigned = false
  board.setHeapCap?.(1024 * integer(given['heap-cap'] ?? '', 'heap-cap', 0, 4_194_304))
  const [productId, deviceId, endpointUrl] = [required(given, 'product'), required(given, 'device'), required(given, 'endpoint').replace(/\/+$/, '')]
  const log = boardLog(board, levelOf(given['log-level']))
  const systemClock = boardClock(board)
  const storage = boardStorage(board, required(given, 'data'))
  const clock = createLearnedClock(
    { url: `${endpointUrl}/`, notBeforeMs: LENSKEY_BUILT_MS, storage },
    { clock: systemClock, http: createTimeHttp(boardStreams(board), systemClock), log },
  )
  const host = createBoardHost(board, { clock, log })
  trustAuthorities(board, given.ca)
  const signer = createSigner(parsePrivateKey(readText(board, required(given, 'key')).trim(), host), host)
  const sharedSecret = readSecret(board, given['shared-secret-file'])
  const requireAuthorized = given['require-authorized'] !== undefined
  const oauth = readOauth({
    issuer: given['oauth-issuer'], jwks: given['oauth-jwks'], roles: given['oauth-role']?.split('\n') ?? [], claim: given['oauth-claim'] ?? '',
  })
  const iam = await openCameraIam({
    productId, deviceId, app: { appName: 'lenskey-camera', appVersion: LENSKEY_VERSION }, storage, isKept: true, hasSharedSecret: sharedSecret !== undefined,
  }, host)
  if (given['print-invitation'] !== undefined) {
    const first = firstPairing(iam, { frontEnd: given['front-end'] ?? `${endpointUrl}/#`, productId, deviceId, fingerprint: fingerprintOf(signer.publicKey, host.nativeCrypto) })
    await iam.close()
    // Only when asked for: whoever reads it is the administrator.
    if (first === undefined) throw new LenskeyError('ERR_IAM_NO_SUCH_USER', 'this camera has an owner already')
    board.print(first.link, false)
    board.exit(0)
    return
  }
  const engine = openEngine(board, given.engine ?? '', host)
  const tokens = new DeviceTokenGenerator(productId, deviceId, signer, host, integer(given['token-lifetime'] ?? '', 'token-lifetime', 60, 86_400))
  const file = given['stream-file']
  const sessions = createCameraSessions<EngineConnection>({
    iam, signer, host, oauth, storage, productId, deviceId, maxViewers: readMaxViewers(given['max-viewers-of']?.split('\n') ?? []),
    authorizedRole: given['authorized-role'] ?? (requireAuthorized ? 'Guest' : undefined),
    offerVideo: (connection, trackId) => connection.startVideo(trackId),
    onTrack: () => 'UNKNOWN_TRACK_ID',
    sendFile: file === undefined ? undefined : async (stream) => {
      const bytes = readBytes(board, file, MAX_STREAM_FILE_BYTES)
      for (let at = 0; at < bytes.length; at += STREAM_PIECE_BYTES) await stream.write(bytes.subarray(at, at + STREAM_PIECE_BYTES))
      await stream.end()
    },
  })
  const camera = createRemoteCamera<EngineConnection>({
    endpointUrl, productId, deviceId, iam,
    access: { guarded: true, sharedSecret, requireAuthorized },
    async tokenGenerator() {
      await clock.ready()
      const token = await tokens.generateToken()
      if (!hasSigned && given['print-heap'] !== undefined) board.print(`first token after ${board.monotonicMs() - startedMs} ms`, false)
      hasSigned = true
      return token
    },
    maxSessions: integer(given['max-viewers'] ?? '', 'max-viewers', 1, 64),
    createPeerConnection: (configuration) => engine.create(configuration),
    attach: sessions.attach,
    dialects: sessions.dialects,
  }, host)
  let stopPrinting: CancelTimer = () => undefined
  camera.device.on('connectionstatechange', () => {
    board.print(`signaling ${camera.device.connectionState}`, false)
    if (given['print-heap'] === undefined || camera.device.connectionState !== 'CONNECTED') return
    stopPrinting()
    stopPrinting = printHeap(board, clock)
  })
  camera.device.on('error', (thrown) => {
    // A token that is refused and a certificate that seems expired may both be a clock that is wrong.
    clock.doubt()
    board.print(`${thrown instanceof LenskeyError ? `${thrown.code}: ` : ''}${messageOf(thrown)}; trying again`, false)
  })
  board.onstop = () => {
    camera.close()
    sessions.close()
    engine.close()
    void iam.close().finally(() => {
      board.exit(0)
    })
  }
  camera.start()
}

function printHeap(board: Board, clock: Clock): CancelTimer {
  let cancel = clock.after(PRINT_HEAP_MS, print)
  function print(): void {
    const { usedBytes = 0, peakBytes = 0 } = board.heap?.() ?? {}
    board.print(`heap ${usedBytes} peak ${peakBytes}`, false)
    cancel = clock.after(PRINT_HEAP_MS, print)
  }
  return () => { cancel() }
}

function required(given: Given, name: keyof typeof options): string {
  const value = given[name]
  if (value === undefined || value === '') throw new UsageError(`--${name} is needed; --help shows all`)
  return value
}

function levelOf(text: string | undefined): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text
  throw new UsageError('--log-level is debug, info, warn or error')
}

function readBytes(board: Board, path: string, maxBytes: number): Uint8Array {
  const bytes = board.readFile(path, maxBytes)
  if (bytes === undefined) throw new LenskeyError('ERR_FILE_NOT_FOUND', `there is no file ${path}`)
  return new Uint8Array(bytes)
}

function readText(board: Board, path: string): string {
  return decodeUtf8(readBytes(board, path, MAX_FILE_BYTES))
}

function readSecret(board: Board, path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  const secret = readText(board, path).trim()
  if (secret === '') throw new LenskeyError('ERR_FILE_EMPTY', `${path} is empty`)
  return secret
}

/** Without any, nothing can be reached over TLS: there is no list of the system's to fall back to. */
function trustAuthorities(board: Board, path: string | undefined): void {
  if (path === undefined) return
  if (board.trust(readBytes(board, path, MAX_CA_BYTES)) === 0) throw new LenskeyError('ERR_FILE', `${path} holds no certificate`)
}

function openEngine(board: Board, path: string, { clock, log }: Pick<ReturnType<typeof createBoardHost>, 'clock' | 'log'>): Engine {
  return new Engine({
    connect(handlers) {
      if (board.connectPath === undefined) throw new LenskeyError('ERR_WEBRTC_ENGINE_MISSING', 'this host has no local sockets')
      return board.connectPath(path, fromBoard(handlers))
    },
    clock, log,
  })
}
