import { authenticateOauth, type CameraClient, createCameraClient, createViewer, type Viewer, type ViewerOptions } from '../../../lib/client/index.ts'
import type { Host } from '../../../lib/runtime/index.ts'
import { type MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { connectClient, endpointOf } from '../../../lib/signaling/http-api.ts'
import { HttpError } from '../../../lib/signaling/index.ts'
import { createNodeHost } from '../host.ts'
import { type Option, type Terminal, UsageError, type Values } from './command.ts'
import { accessTokenSource, oauthTokenSource, passwordSource, readSecret, sharedSecretSource } from './files.ts'
import { asLenskeyError } from './hints.ts'
import { createLog, verboseOption } from './log.ts'
import { cameraOptions, endpointUrl, openEngine } from './options.ts'
import { readProfile } from './profile.ts'
import { TOKEN_COMMAND_MS, tokenReader } from './token-command.ts'

/** Signaling, ICE and DTLS with a camera that is there. */
const patienceMs = 40_000

/** How a command reaches a camera, and as whom. */
export const sessionOptions = {
  profile: { value: 'FILE', help: 'camera and user, from `lenskey pair`; instead of the options down to --password-file' },
  endpoint: { ...cameraOptions.endpoint, required: false },
  product: { ...cameraOptions.product, required: false },
  device: { ...cameraOptions.device, required: false },
  fingerprint: { value: 'HEX', help: 'of the camera\'s key, as the camera\'s owner knows it; a login by password can do without' },
  user: { value: 'NAME', help: 'user to log in as' },
  'password-file': { value: 'FILE', help: 'password of that user; or LENSKEY_PASSWORD' },
  'shared-secret-file': cameraOptions.sharedSecret,
  'oauth-token-file': { value: 'FILE', help: 'OAuth token for this camera, read again before it expires; or LENSKEY_OAUTH_TOKEN. With --profile in the place of its password' },
  'oauth-token-command': { value: 'CMD', help: 'or: a command of the shell that prints it, on the first line, within 20 s; run again before it expires' },
  'access-token-file': { value: 'FILE', help: 'what the product demands of clients: access token, server connect token, token of its issuer, read again for each request that shows it; or LENSKEY_ACCESS_TOKEN' },
  'access-token-command': { value: 'CMD', help: 'or: a command that prints it, run again for each request that shows it' },
  engine: cameraOptions.engine,
  loopback: cameraOptions.loopback,
  ...verboseOption,
} satisfies Record<string, Option>

/** A camera, and who one is there. */
export interface Target {
  endpoint: string
  productId: string
  deviceId: string
  fingerprint?: string
  login?: { username: string; password: string }
  /** Reads the OAuth token for this camera. */
  oauthToken?: () => Promise<string>
  /** Reads what the product demands of clients. */
  accessToken?: () => Promise<string>
  /** Of a pairing link or a profile: shown in its place where the service lets nobody through without. */
  serverConnectToken?: string
  /** Whether to take the key of whichever camera answers when there is neither of the two. */
  firstUse?: boolean
}

/** From a profile or from options. @throws {UsageError} */
export function readTarget(values: Values, terminal: Terminal): Target {
  const file = values.optional('profile')
  const accessToken = tokenReader(accessTokenSource, values, terminal)
  if (file !== undefined) {
    const { username, password, serverConnectToken, ...at } = readProfile(file, terminal)
    // What stands in the environment for other commands does not change who a profile is.
    const isOauth = values.optional('oauth-token-file') !== undefined || values.optional('oauth-token-command') !== undefined
    return {
      ...at, accessToken, serverConnectToken,
      ...(isOauth ? { oauthToken: tokenReader(oauthTokenSource, values, terminal) } : { login: { username, password } }),
    }
  }
  const username = values.optional('user')
  const password = readSecret(passwordSource, values, terminal)
  if (username !== undefined && password === undefined) throw new UsageError('--password-file FILE or the environment variable LENSKEY_PASSWORD is needed with --user')
  const fingerprint = values.optional('fingerprint')
  if (fingerprint !== undefined && !/^[0-9a-f]{64}$/i.test(fingerprint)) throw new UsageError('--fingerprint is 64 hexadecimal digits')
  return {
    endpoint: endpointUrl(values.string('endpoint')), productId: values.string('product'), deviceId: values.string('device'), fingerprint,
    login: username === undefined || password === undefined ? undefined : { username, password },
    oauthToken: tokenReader(oauthTokenSource, values, terminal),
    accessToken,
  }
}

type Attach = (connection: MediaPeerConnection) => void

/** Makes the client of a session; nothing goes out before its `start()`. */
export async function openCameraClient(target: Target, values: Values, terminal: Terminal, attach?: Attach): Promise<CameraClient<MediaPeerConnection>> {
  const { options, host } = await viewing(target, values, terminal)
  return createCameraClient<MediaPeerConnection>({ ...options, attach }, host)
}

/** The same for whoever has nothing to ask and nothing to prove: it opens no channel of its own. */
export async function openViewer(target: Target, values: Values, terminal: Terminal, attach: Attach): Promise<Viewer<MediaPeerConnection>> {
  const { options, host } = await viewing(target, values, terminal)
  return createViewer<MediaPeerConnection>({ ...options, attach }, host)
}

async function viewing(target: Target, values: Values, terminal: Terminal): Promise<{ options: Omit<ViewerOptions<MediaPeerConnection>, 'attach'>; host: Host }> {
  const log = createLog(terminal, values.flag('verbose') ? 'debug' : 'error')
  const sharedSecret = readSecret(sharedSecretSource, values, terminal)
  const host = createNodeHost({ log })
  return {
    options: {
      endpointUrl: target.endpoint, productId: target.productId, deviceId: target.deviceId,
      sharedSecret, keyId: sharedSecret === undefined ? undefined : 'default',
      accessToken: target.accessToken ?? await connectTokenWhereAsked(target, host),
      // A command that takes too long says so itself.
      times: { accessTokenMs: TOKEN_COMMAND_MS + 1000 },
      createPeerConnection: await openEngine(values, log),
    },
    host,
  }
}

/** Links and profiles always carry one; where nobody is asked for it, it would be wrong to show it. */
async function connectTokenWhereAsked({ endpoint, serverConnectToken, ...ids }: Target, host: Host): Promise<string | undefined> {
  if (serverConnectToken === undefined) return undefined
  try {
    await connectClient(host, endpointOf({ ...ids, endpointUrl: endpoint }))
    return undefined
  } catch (thrown) {
    // Whatever else is wrong is told by the session itself.
    return thrown instanceof HttpError && thrown.statusCode === 401 ? serverConnectToken : undefined
  }
}

/**
 * Has the camera prove itself, and then logs in. Without a fingerprint to expect the login comes first, in which both ends
 * prove to know the password and nobody learns it; then the camera's key is whichever answers.
 * @returns the fingerprint of the camera's key
 */
export async function proveEachOther(client: CameraClient<MediaPeerConnection>, { fingerprint, login, oauthToken, firstUse = false }: Target, terminal: Terminal): Promise<string> {
  if (fingerprint === undefined && login === undefined && !firstUse) {
    throw new UsageError('--fingerprint HEX is needed, or --user with its password: nobody could tell the camera from an impostor')
  }
  if (fingerprint !== undefined) {
    await client.verify({ fingerprint })
    terminal.note(`verified: the camera holds the key ${fingerprint.toLowerCase()}`)
  }
  if (login !== undefined) await client.authenticate({ ...login, onUnverified: fingerprint === undefined ? 'allow' : 'refuse' })
  const learned = fingerprint?.toLowerCase() ?? await client.verify({ firstUse })
  // Not to whichever camera answers.
  if (oauthToken !== undefined && (fingerprint ?? login) !== undefined) await authenticateOauth(client, oauthToken, createNodeHost({ log: createLog(terminal, 'warn') }))
  if (fingerprint !== undefined) return learned
  if (login === undefined) terminal.note(`the camera that answered holds the key ${learned}; compare it with what your camera prints`)
  else terminal.note(`verified by the password; the camera holds the key ${learned}`)
  return learned
}

/** Runs a step with a camera that has proved itself, logged in if there is a login, and ends the session whatever happens. */
export async function withCamera<Result>(
  target: Target, values: Values, terminal: Terminal, step: (client: CameraClient<MediaPeerConnection>, fingerprint: string) => Promise<Result>,
): Promise<Result> {
  const client = await openCameraClient(target, values, terminal)
  let why: unknown
  const timer = setTimeout(() => { client.close() }, patienceMs)
  const stop = (): void => { client.close() }
  terminal.stop.addEventListener('abort', stop, { once: true })
  client.viewer.on('ended', (error) => { why = error })
  try {
    client.start()
    await client.ready()
    clearTimeout(timer)
    return await step(client, await proveEachOther(client, target, terminal))
  } catch (thrown) {
    // What ended the session says more than that it is over.
    throw asLenskeyError(why ?? thrown)
  } finally {
    clearTimeout(timer)
    terminal.stop.removeEventListener('abort', stop)
    client.close()
  }
}
