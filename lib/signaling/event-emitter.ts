import { messageOf } from '../errors.ts'
import type { Log } from '../runtime/index.ts'

/** Listener types by event name. A listener may return a promise. */
export type EventMap = Record<string, (...args: never[]) => unknown>

/** Named listeners, called in the order in which they were added. What one throws is logged and harms nobody else. */
export class TypedEventEmitter<Events extends EventMap> {
  readonly #listeners = new Map<keyof Events, readonly Events[keyof Events][]>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  on<Name extends keyof Events>(name: Name, listener: Events[Name]): void {
    this.#listeners.set(name, [...this.#of(name), listener])
  }

  off<Name extends keyof Events>(name: Name, listener: Events[Name]): void {
    const listeners = this.#of(name)
    const index = listeners.indexOf(listener)
    this.#listeners.set(name, listeners.filter((_, at) => at !== index))
  }

  count(name: keyof Events): number {
    return this.#of(name).length
  }

  /** Calls every listener now; promises they return run on by themselves. */
  emit<Name extends keyof Events>(name: Name, ...args: Parameters<Events[Name]>): void {
    for (const listener of this.#of(name)) if (this.#of(name).includes(listener)) this.#call(nothing, name, args, listener)
  }

  /** Calls one listener after the other, each awaited before the next. Undefined when none of them had to be waited for. */
  emitInTurn<Name extends keyof Events>(name: Name, ...args: Parameters<Events[Name]>): Promise<void> | undefined {
    let resolve = nothing
    return this.emitInTurnThen(() => { resolve() }, name, ...args) ? new Promise((given) => { resolve = given }) : undefined
  }

  /**
   * The same without a promise: the way of a message is short, and promises nobody needs would be the larger part of its cost.
   * @param done - called later when the last one has been waited for
   * @returns whether `done` will be called; false when none of them had to be waited for
   */
  emitInTurnThen<Name extends keyof Events>(done: () => void, name: Name, ...args: Parameters<Events[Name]>): boolean {
    const listeners = this.#of(name)
    if (listeners.length === 0) this.#log('warn', 'signaling.event.unheard', { event: String(name) })
    return this.#callFrom(done, name, args, listeners, 0)
  }

  clear(): void {
    this.#listeners.clear()
  }

  #of(name: keyof Events): readonly Events[keyof Events][] {
    return this.#listeners.get(name) ?? []
  }

  #callFrom(done: () => void, name: keyof Events, args: unknown[], listeners: readonly Events[keyof Events][], index: number): boolean {
    if (index >= listeners.length) return false
    const next = index + 1 === listeners.length ? done : (): void => {
      if (!this.#callFrom(done, name, args, listeners, index + 1)) done()
    }
    // One listener may take another off while both are due.
    const isDue = index === 0 || this.#of(name).includes(listeners[index])
    return (isDue && this.#call(next, name, args, listeners[index])) || this.#callFrom(done, name, args, listeners, index + 1)
  }

  /** Whether `next` will be called, which is when what the listener returned has been waited for. Never throws. */
  #call(next: () => void, name: keyof Events, args: unknown[], listener: Events[keyof Events]): boolean {
    try {
      const result = listener(...(args as never[])) as { then?: unknown } | null | undefined
      if (typeof result?.then !== 'function') return false
      Promise.resolve(result).then(next, (thrown: unknown) => {
        this.#report(name, thrown)
        next()
      })
      return true
    } catch (thrown) {
      this.#report(name, thrown)
      return false
    }
  }

  #report(name: keyof Events, thrown: unknown): void {
    this.#log('error', 'signaling.listener.failed', { event: String(name), reason: messageOf(thrown) })
  }
}

const nothing = (): void => undefined
