import { messageOf } from '../../../lib/errors.ts'
import type { Log } from '../../../lib/runtime/log.ts'

/** The two calls of an event target, and the other end of them. What a listener throws is logged and stops nothing. */
export class Listeners<Events> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()
  readonly #log: Log
  #silent = false

  constructor(log: Log) {
    this.#log = log
  }

  add<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    const set = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, set.add(listener))
  }

  remove<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#listeners.get(name)?.delete(listener)
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    if (this.#silent) return
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      this.guard(() => (listener as (event: Events[Name]) => void)(event))
    }
  }

  /** Runs a callback of the program: an exception that reached native code would end the process. */
  guard(run: () => void): void {
    if (this.#silent) return
    try {
      run()
    } catch (thrown) {
      this.#log('error', 'webrtc.listener.failed', { message: messageOf(thrown) })
    }
  }

  /** No event after this. */
  silence(): void {
    this.#silent = true
    this.#listeners.clear()
  }
}

/** Where callbacks of the program may throw. */
export type Guard = Pick<Listeners<unknown>, 'guard'>
