import { authenticateOauth, type CameraClient, RefusedError, requireSuccess } from '../../../lib/client/index.ts'
import { type CoapResponse } from '../../../lib/coap/index.ts'
import { LenskeyError } from '../../../lib/errors.ts'
import { createBrowserHost } from '../host.ts'
import { codeOfTokenRefusal } from './failures.ts'

type Client = Pick<CameraClient<RTCPeerConnection>, 'coap' | 'verifiedDevice' | 'viewer'>

/** Being somebody by an OAuth token, for as long as one session lasts: it wants another before the one it has runs out. */
export class CameraToken {
  readonly #client: Client
  readonly #changed: () => void
  #end: (() => void) | undefined
  #give: ((token: string) => void) | undefined
  #answer: { resolve: () => void; reject: (reason: unknown) => void } | undefined

  /** @param changed - told when `isWanted` changes */
  constructor(client: Client, changed: () => void) {
    this.#client = client
    this.#changed = changed
  }

  /** Whether a new token is to be given soon, or the session ends to be somebody's. */
  get isWanted(): boolean {
    return this.#give !== undefined
  }

  /** Whether the session has been somebody's by a token. */
  get isTaken(): boolean {
    return this.#end !== undefined
  }

  /**
   * Shows a token to the camera, the first or the next.
   * @throws {LenskeyError} `TOKEN_UNVERIFIED`: nobody has proved to be the camera `TOKEN_INVALID` and the like: it
   * has refused the token; and what `coap` rejects with
   */
  async present(token: string): Promise<void> {
    if (this.#client.verifiedDevice === undefined) throw new LenskeyError('TOKEN_UNVERIFIED', 'nobody has proved to be the camera')
    try {
      await this.#hand(token)
    } catch (thrown) {
      const code = thrown instanceof RefusedError ? codeOfTokenRefusal(thrown) : undefined
      throw code === undefined ? thrown : new LenskeyError(code, 'the camera has refused the token', { cause: thrown })
    }
    this.#changed()
  }

  async #hand(token: string): Promise<void> {
    const give = this.#give
    if (give === undefined) await this.#begin(token)
    else {
      this.#give = undefined
      await new Promise<void>((resolve, reject) => {
        this.#answer = { resolve, reject }
        give(token)
      })
    }
  }

  async #begin(first: string): Promise<void> {
    const client = this.#client
    let next: string | undefined = first
    this.#end?.()
    this.#end = undefined
    this.#end = await authenticateOauth<RTCPeerConnection>({
      viewer: client.viewer,
      get verifiedDevice() {
        return client.verifiedDevice
      },
      coap: (...request) => this.#told(client.coap(...request)),
    }, () => {
      const token = next
      next = undefined
      return token === undefined ? this.#ask() : Promise.resolve(token)
    }, createBrowserHost())
  }

  #ask(): Promise<string> {
    return new Promise((resolve) => {
      this.#give = resolve
      this.#changed()
    })
  }

  /** Lets whoever has given a token hear what became of it. */
  async #told(asked: Promise<CoapResponse>): Promise<CoapResponse> {
    const answer = this.#answer
    this.#answer = undefined
    try {
      const response = await asked
      requireSuccess(response)
      answer?.resolve()
      return response
    } catch (thrown) {
      answer?.reject(thrown)
      throw thrown
    }
  }
}
