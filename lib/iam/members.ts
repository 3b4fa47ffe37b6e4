import { decodeUtf8 } from '../bytes/index.ts'

/** Members of an object in a file that this version does not know, kept for the next rewrite. */
export interface UnknownMembers {
  readonly unknown?: readonly (readonly [name: string, value: unknown])[]
}

/** Tells what is wrong with a file, and where. */
export type Complain = (problem: string) => Error

/**
 * The members of one JSON object of a file, found whatever the case of their names, the first that fits
 * (protocol/iam.md §2). Names that nobody has asked for are left over.
 */
export class Members {
  readonly #entries: readonly [string, unknown][]
  readonly #asked = new Set<string>()

  constructor(object: object) {
    this.#entries = Object.entries(object)
  }

  take(name: string): unknown {
    const wanted = name.toLowerCase()
    this.#asked.add(wanted)
    return this.#entries.find(([found]) => found.toLowerCase() === wanted)?.[1]
  }

  /** Undefined when absent or of another type. */
  takeText(name: string): string | undefined {
    const value = this.take(name)
    return typeof value === 'string' ? value : undefined
  }

  /** Empty when absent or of another type. */
  takeList(name: string): unknown[] {
    const value = this.take(name)
    return Array.isArray(value) ? value : []
  }

  leftOver(): UnknownMembers {
    const unknown = this.#entries.filter(([name]) => !this.#asked.has(name.toLowerCase()))
    return unknown.length === 0 ? {} : { unknown }
  }
}

/** An object for a file: members in the order given, those without a value left out, unknown ones at the end. */
export function fileObject(members: readonly (readonly [string, unknown])[], { unknown = [] }: UnknownMembers = {}): Record<string, unknown> {
  return Object.fromEntries([...members.filter(([, value]) => value !== undefined), ...unknown])
}

/** @throws what `complain` makes, unless the bytes are one JSON object of no more than `maxBytes` */
export function parseFile(bytes: Uint8Array, maxBytes: number, complain: Complain): Members {
  if (bytes.length > maxBytes) throw complain(`is larger than ${maxBytes} bytes`)
  let value: unknown
  try {
    value = JSON.parse(decodeUtf8(bytes))
  } catch {
    // What the parser says quotes the text, and there are passwords in it.
    throw complain('is no well-formed JSON')
  }
  return membersOf(value, () => complain('is not a JSON object'))
}

/** @throws what `complain` makes, unless the value is an object */
export function membersOf(value: unknown, complain: () => Error): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw complain()
  return new Members(value)
}
