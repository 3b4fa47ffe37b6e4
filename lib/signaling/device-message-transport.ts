import { LenskeyError, messageOf } from '../errors.ts'
import type { SignalingChannel } from './channel.ts'
import type { SignalingDevice } from './device.ts'
import { SignalingError, SignalingErrorCodes } from './errors.ts'
import { isObject, type JSONValue } from './json.ts'
import { BaseMessageTransport, type MessageTransport, MessageTransportMode } from './message-transport.ts'
import type { IceServer, SignalingMessage } from './messages.ts'
import { type MessageSigner, readKeyId, SharedSecretSigner, unsignedMessages } from './signing.ts'
import { withinMs } from './time-limit.ts'

export const DeviceMessageTransportSecurityMode = { SHARED_SECRET: 0, NONE: 1 } as const
export type DeviceMessageTransportSecurityMode = (typeof DeviceMessageTransportSecurityMode)[keyof typeof DeviceMessageTransportSecurityMode]

export type DeviceMessageTransportOptions =
  | {
      securityMode: typeof DeviceMessageTransportSecurityMode.SHARED_SECRET
      /**
       * Called once per channel with the key id of the client's first message, undefined when it names none. What it
       * rejects with goes to the client if it is a `SignalingError`.
       */
      sharedSecretCallback: (keyId?: string) => Promise<string>
      /**
       * What becomes of a client whose first message carries no signature; it cannot be changed later in the channel. `accept`
       * is for a device that has another way to find out who is there, such as a guard. Default `refuse`.
       */
      unsigned?: 'refuse' | 'accept'
    }
  /** No signatures: only for a channel that the service has authorized, and only where the service is trusted. */
  | { securityMode: typeof DeviceMessageTransportSecurityMode.NONE }

export function createDeviceMessageTransport(
  device: SignalingDevice,
  channel: SignalingChannel,
  options: DeviceMessageTransportOptions,
): MessageTransport {
  return new DeviceMessageTransport(device, channel, options)
}

class DeviceMessageTransport extends BaseMessageTransport {
  readonly mode = MessageTransportMode.DEVICE
  readonly #device: SignalingDevice
  readonly #options: DeviceMessageTransportOptions
  #signer: MessageSigner | undefined

  constructor(device: SignalingDevice, channel: SignalingChannel, options: DeviceMessageTransportOptions) {
    super(channel, device.host)
    this.#device = device
    this.#options = options
  }

  protected override async signerFor(envelope?: JSONValue): Promise<MessageSigner> {
    if (this.#signer === undefined) {
      if (envelope === undefined) throw new SignalingError(SignalingErrorCodes.INTERNAL_ERROR, 'the client speaks first')
      this.#signer = await this.#chooseSigner(envelope)
    }
    return this.#signer
  }

  protected override async setUp(message: SignalingMessage | undefined): Promise<void> {
    if (message?.type !== 'SETUP_REQUEST') throw new SignalingError(SignalingErrorCodes.DECODE_ERROR, 'the first message of a client is SETUP_REQUEST')
    this.#refuseReplay()
    const iceServers = await this.#iceServers()
    await this.send({ type: 'SETUP_RESPONSE', iceServers })
    await this.setupDone(iceServers)
  }

  async #chooseSigner(envelope: JSONValue): Promise<MessageSigner> {
    if (this.#options.securityMode === DeviceMessageTransportSecurityMode.NONE) return unsignedMessages
    if (this.#options.unsigned === 'accept' && isObject(envelope) && envelope.type === 'NONE') return unsignedMessages
    const { maxFrameBytes } = this.#device.limits
    const keyId = readKeyId(envelope, maxFrameBytes)
    const sharedSecret = await this.#options.sharedSecretCallback(keyId)
    return new SharedSecretSigner(sharedSecret, keyId, this.#device.host, maxFrameBytes)
  }

  /**
   * A signed SETUP_REQUEST could be played again by whoever saw it. It would lead nowhere, since the next message needs
   * our nonce, but it would cost a request for ICE servers each time.
   */
  #refuseReplay(): void {
    if (!(this.#signer instanceof SharedSecretSigner)) return
    const { remoteNonce = '' } = this.#signer
    const seen = noncesOf(this.#device)
    if (seen.has(remoteNonce)) throw new SignalingError(SignalingErrorCodes.VERIFICATION_ERROR, 'this SETUP_REQUEST was used before')
    seen.add(remoteNonce)
    if (seen.size > MAX_NONCES) for (const oldest of [...seen].slice(0, MAX_NONCES / 2)) seen.delete(oldest)
  }

  /** A service that gives no ICE servers must not keep two ends on the same network apart. */
  async #iceServers(): Promise<IceServer[]> {
    const { host, times } = this.#device
    try {
      return await withinMs(
        this.#device.requestIceServers(), times.iceServersMs, host.clock,
        () => new LenskeyError('ERR_SIGNALING_ICE_SERVERS', `no answer within ${times.iceServersMs} ms`),
      )
    } catch (thrown) {
      host.log('warn', 'signaling.ice-servers.failed', { reason: messageOf(thrown) })
      return []
    }
  }
}

/** Nonces of clients' sessions that a device remembers, 36 characters each as a rule. */
const MAX_NONCES = 512

const noncesByDevice = /* @__PURE__ */ new WeakMap<SignalingDevice, Set<string>>()

function noncesOf(device: SignalingDevice): Set<string> {
  const known = noncesByDevice.get(device) ?? new Set<string>()
  noncesByDevice.set(device, known)
  return known
}
