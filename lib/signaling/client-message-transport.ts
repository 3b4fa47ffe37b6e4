import type { SignalingClient } from './client.ts'
import { SignalingError, SignalingErrorCodes } from './errors.ts'
import { BaseMessageTransport, type MessageTransport, MessageTransportMode } from './message-transport.ts'
import type { SignalingMessage } from './messages.ts'
import { type MessageSigner, SharedSecretSigner, unsignedMessages } from './signing.ts'

export const ClientMessageTransportSecurityMode = { SHARED_SECRET: 0, NONE: 1 } as const
export type ClientMessageTransportSecurityMode = (typeof ClientMessageTransportSecurityMode)[keyof typeof ClientMessageTransportSecurityMode]

export type ClientMessageTransportOptions =
  /** Every message is signed with a secret that the device knows under `keyId`. */
  | { securityMode: typeof ClientMessageTransportSecurityMode.SHARED_SECRET; sharedSecret: string; keyId?: string }
  /** No signatures: the access token is what the device goes by, so the service must be trusted. */
  | { securityMode: typeof ClientMessageTransportSecurityMode.NONE }

/** Asks the device for a session at once; the request waits in the channel when the client has not started yet. */
export function createClientMessageTransport(client: SignalingClient, options: ClientMessageTransportOptions): MessageTransport {
  return new ClientMessageTransport(client, options)
}

class ClientMessageTransport extends BaseMessageTransport {
  readonly mode = MessageTransportMode.CLIENT
  readonly #signer: MessageSigner

  constructor(client: SignalingClient, options: ClientMessageTransportOptions) {
    super(client, client.host)
    this.#signer =
      options.securityMode === ClientMessageTransportSecurityMode.NONE
        ? unsignedMessages
        : new SharedSecretSigner(options.sharedSecret, options.keyId, client.host, client.limits.maxFrameBytes)
    this.send({ type: 'SETUP_REQUEST' }).catch((thrown: unknown) => {
      this.fail(thrown)
    })
  }

  protected override signerFor(): MessageSigner {
    return this.#signer
  }

  protected override async setUp(message: SignalingMessage | undefined): Promise<void> {
    if (message?.type !== 'SETUP_RESPONSE') throw new SignalingError(SignalingErrorCodes.DECODE_ERROR, 'the first message of a device is SETUP_RESPONSE')
    await this.setupDone(message.iceServers)
  }
}
