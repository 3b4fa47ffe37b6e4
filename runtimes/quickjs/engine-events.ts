import { messageOf } from '../../lib/errors.ts'
import type { Log } from '../../lib/runtime/index.ts'

/** The listeners of one object; what one of them throws is logged, and the others hear the event all the same. */
export class EngineEvents<Events> {
  readonly #log: Log
  #listeners: { name: keyof Events; listener: (event: never) => void }[] = []
  #silent = false

  constructor(log: Log) {
    this.#log = log
  }

  add<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    if (!this.#listeners.some((entry) => entry.name === name && entry.listener === listener)) this.#listeners.push({ name, listener })
  }

  remove<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#listeners = this.#listeners.filter((entry) => entry.name !== name || entry.listener !== listener)
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const entry of this.#listeners.filter((candidate) => candidate.name === name)) {
      if (this.#silent) return
      try {
        (entry.listener as (event: Events[Name]) => void)(event)
      } catch (thrown) {
        this.#log('error', 'webrtc.listener.failed', { event: String(name), message: messageOf(thrown) })
      }
    }
  }

  /** No event after this. */
  silence(): void {
    this.#silent = true
    this.#listeners = []
  }
}
