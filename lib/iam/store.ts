import { encodeHex } from '../bytes/index.ts'
import { sha256 } from '../crypto/index.ts'
import { messageOf } from '../errors.ts'
import type { Log, Storage } from '../runtime/index.ts'
import type { IamConnection } from './connections.ts'
import { IamError } from './errors.ts'
import type { IamLimits } from './limits.ts'
import { parseState, serializeState, type State, validateState } from './state.ts'

/** What a change makes of the state: another one to be written, or none when there is nothing to change. */
export interface Change<Result> {
  readonly state?: State
  readonly result: Result
}

/**
 * Called after a change is durable and in force.
 * @param author - the connection that made it
 */
export type StateListener = (before: State, author: IamConnection | undefined) => void

/**
 * The state and its file. Changes run one after the other; each is durable before it is in force and before its promise
 * resolves, so that what was acknowledged survives a power cut (protocol/iam.md §9).
 */
export class StateStore {
  #state: State
  readonly #storage: Storage
  readonly #name: string
  readonly #limits: IamLimits
  readonly #listener: StateListener
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(state: State, name: string, storage: Storage, limits: IamLimits, listener: StateListener) {
    this.#state = state
    this.#storage = storage
    this.#name = name
    this.#limits = limits
    this.#listener = listener
  }

  get state(): State {
    return this.#state
  }

  /**
   * Runs `step` when every change before has been written, so that what it checks still holds when its own is.
   * @throws what `step` throws; {@link IamError} `ERR_IAM_BUSY`, `ERR_IAM_STATE_TOO_LARGE`, `ERR_IAM_STORAGE`: nothing was changed
   */
  async change<Result>(step: (state: State) => Change<Result>, author?: IamConnection): Promise<Result> {
    if (this.#waiting >= this.#limits.waitingChanges) throw new IamError('ERR_IAM_BUSY', 'Too many changes are waiting to be written: try again.')
    this.#waiting++
    const turn = this.#last.then(() => this.#run(step, author))
    this.#last = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      this.#waiting--
    }
  }

  /** Resolves when every change so far has been written, or has failed. */
  async settled(): Promise<void> {
    await this.#last
  }

  async #run<Result>(step: (state: State) => Change<Result>, author: IamConnection | undefined): Promise<Result> {
    const before = this.#state
    const { state, result } = step(before)
    if (state === undefined) return result
    const bytes = serializeState(state)
    const { stateBytes } = this.#limits
    if (bytes.length > stateBytes) throw new IamError('ERR_IAM_STATE_TOO_LARGE', `The state of IAM may have ${stateBytes} bytes: remove users first.`)
    try {
      await this.#storage.write(this.#name, bytes)
    } catch (cause) {
      throw new IamError('ERR_IAM_STORAGE', 'The state of IAM could not be written: nothing was changed.', { cause })
    }
    this.#state = state
    this.#listener(before, author)
    return result
  }
}

/** What makes the files of IAM readable again. */
export interface FileSource<Content> {
  storage: Storage
  log: Log
  name: string
  parse: (bytes: Uint8Array) => Content
  /** What is written when there is no file. */
  create: () => Content
  serialize: (content: Content) => Uint8Array
}

/**
 * Reads a file, or writes a first one. A file that cannot be read stays where it is, so that a device never begins anew
 * by accident, and with the doors open; a copy is put aside under a name of its own for when somebody replaces it.
 * @throws {IamError} what `parse` throws, with where the copy is
 */
export async function openFile<Content>({ storage, log, name, parse, create, serialize }: FileSource<Content>): Promise<Content> {
  const bytes = await storage.read(name)
  if (bytes === undefined) {
    const content = create()
    await storage.write(name, serialize(content))
    return content
  }
  try {
    return parse(bytes)
  } catch (cause) {
    const aside = `${name}.rejected-${encodeHex(sha256(bytes)).slice(0, 8)}`
    await storage.write(aside, bytes)
    log('error', 'iam.file.rejected', { name, aside, reason: messageOf(cause) })
    if (!(cause instanceof IamError)) throw cause
    throw new IamError(cause.code, `${cause.message} A copy of ${name} is kept as ${aside}: restore a good one, or remove ${name} to begin anew.`, { cause })
  }
}

/** @throws {IamError} `ERR_IAM_STATE` */
export function readState(bytes: Uint8Array, limits: IamLimits, categories: readonly string[]): State {
  const state = parseState(bytes, limits)
  validateState(state, limits, categories)
  return state
}
