import { decodeUtf8 } from '../../lib/bytes/index.ts'
import { formatPairingLink } from '../../lib/client/pairing-link.ts'
import { createSigner, fingerprintOf, parsePrivateKey, type Signer } from '../../lib/crypto/index.ts'
import { type CameraAccess, createCamera, createCameraGuard, createLearnedClock, DeviceTokenGenerator } from '../../lib/device/index.ts'
import { LenskeyError, messageOf } from '../../lib/errors.ts'
import { type Iam, openIam } from '../../lib/iam/index.ts'
import type { LogLevel } from '../../lib/runtime/index.ts'
import { Engine, type EngineConnection } from './engine-peer-connection.ts'
import { type Board, boardClock, boardLog, boardStorage, boardStreams, createBoardHost, fromBoard } from './host.ts'
import { helpText, integer, type Option, parseOptions, UsageError } from './options.ts'
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
  'shared-secret-file': { value: 'FILE', help: 'secret that camera and viewers share' },
  'require-authorized': { help: 'serve only viewers that the rendezvous vouches for' },
  engine: { value: 'PATH', help: 'local socket of the WebRTC engine (docs/engine-protocol.md)', default: '/run/lenskey/engine.sock' },
  'max-viewers': { value: 'N', help: 'viewers at a time', default: '4' },
  'heap-cap': { value: 'KIB', help: 'memory of the program; beyond it ends with exit code 75, to be started again', default: '8192' },
  'log-level': { value: 'LEVEL', help: 'debug, info, warn or error', default: 'warn' },
  'print-invitation': { help: 'print the link by which the first user pairs as administrator, and end' },
  'print-heap': { help: 'print when the first token was made, and the heap 2 seconds after each connection' },
  version: { help: 'print the version, and end' },
  help: { help: 'print this, and end' },
} satisfies Record<string, Option>

type Given = Partial<Record<keyof typeof options, string>>

const MAX_FILE_BYTES = 65_536
const MAX_CA_BYTES = 1_048_576
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
    else {
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
  const [productId, deviceId, endpointUrl] = [required(given, 'product'), required(given, 'device'), required(given, 'endpoint')]
  const log = boardLog(board, levelOf(given['log-level']))
  const systemClock = boardClock(board)
  const storage = boardStorage(board, required(given, 'data'))
  const clock = createLearnedClock(
    { url: `${endpointUrl.replace(/\/+$/, '')}/`, notBeforeMs: LENSKEY_BUILT_MS, storage },
    { clock: systemClock, http: createTimeHttp(boardStreams(board), systemClock), log },
  )
  const host = createBoardHost(board, { clock, log })
  trustAuthorities(board, given.ca)
  const signer = createSigner(parsePrivateKey(readText(board, required(given, 'key')).trim(), host), host)
  const iam = await openIam({ storage, device: { productId, deviceId, appName: 'lenskey-camera', appVersion: LENSKEY_VERSION } }, host)
  if (given['print-invitation'] !== undefined) {
    printInvitation(board, iam, { productId, deviceId, signer })
    await iam.close()
    board.exit(0)
    return
  }
  const access = accessOf(board, given)
  const engine = openEngine(board, given.engine ?? '', host)
  const tokens = new DeviceTokenGenerator(productId, deviceId, signer, host)
  const guard = createCameraGuard<EngineConnection>({ iam, signer, host })
  const camera = createCamera<EngineConnection>({
    endpointUrl, productId, deviceId, access,
    async tokenGenerator() {
      await clock.ready()
      const token = await tokens.generateToken()
      if (!hasSigned && given['print-heap'] !== undefined) board.print(`first token after ${board.monotonicMs() - startedMs} ms`, false)
      hasSigned = true
      return token
    },
    maxSessions: integer(given['max-viewers'] ?? '', 'max-viewers', 1, 64),
    createPeerConnection: (configuration) => engine.create(configuration),
    attach: (session) => {
      guard.attach(session, { video: () => session.peerConnection.startVideo('video') })
    },
  }, host)
  camera.device.on('connectionstatechange', () => {
    board.print(`signaling ${camera.device.connectionState}`, false)
    if (given['print-heap'] !== undefined && camera.device.connectionState === 'CONNECTED') {
      clock.after(2_000, () => {
        board.print(`heap ${board.heap?.().usedBytes ?? 0}`, false)
      })
    }
  })
  camera.device.on('error', (thrown) => {
    // A token that is refused and a certificate that seems expired may both be a clock that is wrong.
    clock.doubt()
    board.print(`${thrown instanceof LenskeyError ? `${thrown.code}: ` : ''}${messageOf(thrown)}; trying again`, false)
  })
  board.onstop = () => {
    camera.close()
    engine.close()
    void iam.close().finally(() => {
      board.exit(0)
    })
  }
  camera.start()
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

function readText(board: Board, path: string): string {
  const bytes = board.readFile(path, MAX_FILE_BYTES)
  if (bytes === undefined) throw new LenskeyError('ERR_FILE_NOT_FOUND', `there is no file ${path}`)
  return decodeUtf8(new Uint8Array(bytes))
}

/** Without any, nothing can be reached over TLS: there is no list of the system's to fall back to. */
function trustAuthorities(board: Board, path: string | undefined): void {
  if (path === undefined) return
  const bytes = board.readFile(path, MAX_CA_BYTES)
  if (bytes === undefined) throw new LenskeyError('ERR_FILE_NOT_FOUND', `there is no file ${path}`)
  if (board.trust(new Uint8Array(bytes)) === 0) throw new LenskeyError('ERR_FILE', `${path} holds no certificate`)
}

function accessOf(board: Board, given: Given): CameraAccess {
  const path = given['shared-secret-file']
  const requireAuthorized = given['require-authorized'] !== undefined
  if (path !== undefined) {
    const sharedSecret = readText(board, path).trim()
    if (sharedSecret === '') throw new LenskeyError('ERR_FILE_EMPTY', `${path} is empty`)
    return requireAuthorized ? { sharedSecret, requireAuthorized } : { sharedSecret }
  }
  if (requireAuthorized) return { requireAuthorized }
  throw new UsageError('--shared-secret-file or --require-authorized is needed: a camera that lets anybody in is none')
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

/** Only when asked for: whoever reads it is the administrator. */
function printInvitation(board: Board, iam: Iam, { productId, deviceId, signer }: { productId: string; deviceId: string; signer: Signer }): void {
  const user = iam.state.users.find(({ role, password }) => role === 'Administrator' && password !== undefined)
  if (user?.password === undefined) throw new LenskeyError('ERR_IAM_NO_SUCH_USER', 'no administrator waits to be paired')
  board.print(formatPairingLink({
    frontEnd: 'lenskey:#', productId, deviceId, username: user.username, password: user.password,
    serverConnectToken: user.serverConnectToken, fingerprint: fingerprintOf(signer.publicKey),
  }), false)
}
