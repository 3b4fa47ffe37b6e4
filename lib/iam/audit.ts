import { decodeUtf8, encodeUtf8 } from '../bytes/index.ts'
import { messageOf } from '../errors.ts'
import type { CancelTimer, Clock, Log, Storage } from '../runtime/index.ts'

/** `access`: may a connection do something; `authentication`: did it prove who it is. */
export type AuditKind = 'access' | 'authentication'

/** What is told of an event; texts are cut to 128 characters. Never a password, a token or a key. */
export interface AuditEntry {
  readonly kind: AuditKind
  /** The action asked for, or the way of proof: `password`, `session`. */
  readonly action: string
  readonly outcome: 'allowed' | 'refused'
  /** Short name of the connection. */
  readonly connection?: string
  /** Absent for those who are no user; of an authentication, the name that was claimed. */
  readonly user?: string
  readonly role?: string
  /** The statement that decided, as `policy[index]`. */
  readonly statement?: string
  /** Attributes of the request, such as whom it was about. */
  readonly detail?: string
}

export interface AuditEvent extends AuditEntry {
  /** Counts up from 1 over all restarts; a gap is what was lost in one. */
  readonly sequence: number
  /** When it last happened, milliseconds since 1970-01-01T00:00Z by the device's clock. */
  readonly timeMs: number
  /** How often it happened in a row. */
  readonly count: number
}

export interface AuditOptions {
  /** Events kept; the oldest go first. Default 256. */
  events?: number
  /** An event is in the file after so long at the latest, so that a storage of flash is not worn out. Default 10,000. */
  flushMs?: number
  /** Default `iam-audit.json`. */
  name?: string
}

const MAX_TEXT = 128

/** What happened lately: a ring in memory, written to a file now and then. */
export class AuditLog {
  readonly #host: { clock: Clock; storage: Storage; log: Log }
  readonly #options: Required<AuditOptions>
  #events: AuditEvent[] = []
  #sequence = 0
  #cancelFlush: CancelTimer | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor({ events = 256, flushMs = 10_000, name = 'iam-audit.json' }: AuditOptions, host: { clock: Clock; storage: Storage; log: Log }) {
    this.#options = { events, flushMs, name }
    this.#host = host
  }

  /** Reads what was kept before. A file that cannot be read is no reason to keep people out: it is logged and begun anew. */
  async load(): Promise<void> {
    const { storage, log } = this.#host
    try {
      const bytes = await storage.read(this.#options.name)
      if (bytes === undefined) return
      const found: unknown = JSON.parse(decodeUtf8(bytes))
      if (!Array.isArray(found) || !found.every(isEvent)) throw new TypeError('not a list of audit events')
      this.#events = found.slice(-this.#options.events)
      this.#sequence = found.reduce((highest, { sequence }) => Math.max(highest, sequence), 0)
    } catch (thrown) {
      log('error', 'iam.audit.unreadable', { name: this.#options.name, reason: thrown instanceof SyntaxError ? 'no JSON' : messageOf(thrown) })
    }
  }

  /** The same as the one before only counts it up, so that a loop cannot push everything else out. */
  record(entry: AuditEntry): void {
    const timeMs = this.#host.clock.nowMs()
    const last = this.#events.length === 0 ? undefined : this.#events[this.#events.length - 1]
    const cut = last !== undefined && sameEntry(last, entry) ? last : cutTexts(entry)
    if (last !== undefined && (cut === last || sameEntry(last, cut))) {
      this.#events[this.#events.length - 1] = { ...last, timeMs, count: last.count + 1 }
    } else {
      this.#events.push({ sequence: ++this.#sequence, timeMs, count: 1, ...cut })
      if (this.#events.length > this.#options.events) this.#forgetOne()
    }
    this.#cancelFlush ??= this.#host.clock.after(this.#options.flushMs, () => {
      void this.flush()
    })
  }

  /** The latest `limit` events before the sequence number, oldest first. */
  events({ before = Infinity, limit = Infinity }: { before?: number; limit?: number } = {}): AuditEvent[] {
    const found = this.#events.filter(({ sequence }) => sequence < before)
    return limit < found.length ? found.slice(found.length - limit) : found
  }

  /** The oldest goes, but strangers, who can make as many events as they like, may not have more than half of the room. */
  #forgetOne(): void {
    const ofStrangers = this.#events.filter(isOfStranger).length
    const tooMany = ofStrangers * 2 > this.#options.events
    this.#events.splice(tooMany ? this.#events.findIndex(isOfStranger) : 0, 1)
  }

  /** Writes what has not been written. Never rejects: an audit that cannot be written is logged. */
  flush(): Promise<void> {
    this.#cancelFlush?.()
    const dirty = this.#cancelFlush !== undefined
    this.#cancelFlush = undefined
    if (!dirty) return this.#writing
    const { storage, log } = this.#host
    this.#writing = this.#writing.then(async () => {
      try {
        await storage.write(this.#options.name, encodeUtf8(JSON.stringify(this.#events)))
      } catch (thrown) {
        log('error', 'iam.audit.unwritten', { reason: messageOf(thrown) })
      }
    })
    return this.#writing
  }
}

const TEXTS = ['kind', 'action', 'outcome', 'connection', 'user', 'role', 'statement', 'detail'] as const

function isOfStranger({ kind, outcome, user }: AuditEvent): boolean {
  return user === undefined || (kind === 'authentication' && outcome === 'refused')
}

function cutTexts(entry: AuditEntry): AuditEntry {
  const texts = TEXTS.map((name) => [name, entry[name]] as const).filter(([, text]) => text !== undefined)
  return Object.fromEntries(texts.map(([name, text]) => [name, text?.slice(0, MAX_TEXT)])) as unknown as AuditEntry
}

function sameEntry(a: AuditEntry, b: AuditEntry): boolean {
  return TEXTS.every((name) => a[name] === b[name])
}

function isEvent(value: unknown): value is AuditEvent {
  if (typeof value !== 'object' || value === null) return false
  const event = value as Record<string, unknown>
  return ['sequence', 'timeMs', 'count'].every((name) => typeof event[name] === 'number') &&
    TEXTS.every((name) => typeof event[name] === 'string' || (event[name] === undefined && name !== 'kind' && name !== 'action' && name !== 'outcome'))
}
