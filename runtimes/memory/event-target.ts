/** The two calls of an event target, for what has the shape of a browser's object. */
export class MemoryEventTarget<Events> {
  #listeners: { name: keyof Events; listener: (event: never) => void }[] = []

  addEventListener<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    if (!this.#listeners.some((entry) => entry.name === name && entry.listener === listener)) this.#listeners.push({ name, listener })
  }

  removeEventListener<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#listeners = this.#listeners.filter((entry) => entry.name !== name || entry.listener !== listener)
  }

  /** How many listen, for tests of what lets go of its listeners. */
  get listenerCount(): number {
    return this.#listeners.length
  }

  protected dispatch<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const entry of this.#listeners.filter((candidate) => candidate.name === name)) {
      (entry.listener as (event: Events[Name]) => void)(event)
    }
  }

  /** No event after this. */
  protected silence(): void {
    this.#listeners = []
  }
}
