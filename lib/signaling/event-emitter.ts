import { messageOf } from '../errors.ts'
import type { Log } from '../runtime/index.ts'

/** Listener types by event name. A listener may return a promise. */
export type EventMap = Record<string, (...args: never[]) => unknown>

/** Named listeners, called in the order in which they were added. What one throws is logged and harms nobody else. */
export class TypedEventEmitter<Events extends EventMap> {
  readonly #listeners = new Map<keyof Events, Events[keyof Events][]>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  on<Name extends keyof Events>(name: Name, listener: Events[Name]): void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener])
  }

  off<Name extends keyof Events>(name: Name, listener: Events[Name]): void {
    const listeners = this.#listeners.get(name) ?? []
    const index = listeners.indexOf(listener)
    if (index >= 0) this.#listeners.set(name, [...listeners.slice(0, index), ...listeners.slice(index + 1)])
  }

  count(name: keyof Events): number {
    return this.#listeners.get(name)?.length ?? 0
  }

  /** Calls every listener now; promises they return run on by themselves. */
  emit<Name extends keyof Events>(name: Name, ...args: Parameters<Events[Name]>): void {
    for (const listener of this.#listeners.get(name) ?? []) void this.#call(name, listener, args)
  }

  /** Calls one listener after the other, each awaited before the next. */
  async emitInTurn<Name extends keyof Events>(name: Name, ...args: Parameters<Events[Name]>): Promise<void> {
    for (const listener of this.#listeners.get(name) ?? []) await this.#call(name, listener, args)
  }

  clear(): void {
    this.#listeners.clear()
  }

  async #call(name: keyof Events, listener: Events[keyof Events], args: unknown[]): Promise<void> {
    try {
      await listener(...(args as never[]))
    } catch (thrown) {
      this.#log('error', 'signaling.listener.failed', { event: String(name), reason: messageOf(thrown) })
    }
  }
}
