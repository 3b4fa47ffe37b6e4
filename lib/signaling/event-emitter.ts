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
    for (const listener of this.#listeners.get(name) ?? []) if (this.#isOn(name, listener)) void this.#call(name, listener, args)
  }

  /**
   * Calls one listener after the other, each awaited before the next. Undefined when none of them had to be waited for:
   * the way of a message is short, so promises nobody needs would be the larger part of its cost.
   */
  emitInTurn<Name extends keyof Events>(name: Name, ...args: Parameters<Events[Name]>): Promise<void> | undefined {
    const listeners = this.#listeners.get(name) ?? []
    if (listeners.length === 0) this.#log('warn', 'signaling.event.unheard', { event: String(name) })
    return this.#callFrom(0, name, listeners, args)
  }

  clear(): void {
    this.#listeners.clear()
  }

  #callFrom(index: number, name: keyof Events, listeners: readonly Events[keyof Events][], args: unknown[]): Promise<void> | undefined {
    if (index >= listeners.length) return undefined
    const pending = index === 0 || this.#isOn(name, listeners[index]) ? this.#call(name, listeners[index], args) : undefined
    if (pending === undefined) return this.#callFrom(index + 1, name, listeners, args)
    return index + 1 === listeners.length ? pending : pending.then(() => this.#callFrom(index + 1, name, listeners, args))
  }

  /** One listener may take another off while both are due. */
  #isOn(name: keyof Events, listener: Events[keyof Events]): boolean {
    return this.#listeners.get(name)?.includes(listener) === true
  }

  /** Never throws or rejects. */
  #call(name: keyof Events, listener: Events[keyof Events], args: unknown[]): Promise<void> | undefined {
    try {
      const result = listener(...(args as never[]))
      return isPromise(result) ? result.then(nothing, (thrown: unknown) => this.#report(name, thrown)) : undefined
    } catch (thrown) {
      this.#report(name, thrown)
      return undefined
    }
  }

  #report(name: keyof Events, thrown: unknown): void {
    this.#log('error', 'signaling.listener.failed', { event: String(name), reason: messageOf(thrown) })
  }
}

const nothing = (): void => undefined

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
