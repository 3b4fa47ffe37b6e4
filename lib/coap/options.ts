export type CoapOptionFormat = 'empty' | 'uint' | 'string' | 'opaque'

export interface CoapOptionDefinition {
  /** An odd one is critical: who does not know it must not act on the message (RFC 7252 §5.4.6). */
  readonly number: number
  readonly name: string
  readonly format: CoapOptionFormat
  /** Shortest and longest value, in bytes; another length makes the option one that is not known (RFC 7252 §5.4.3). */
  readonly bytes: readonly [shortest: number, longest: number]
  readonly repeatable?: boolean
}

/** RFC 7252 §5.10, RFC 7641 §2, RFC 7959 §2.1 and §4, RFC 7967 §2. */
export const coapOptions = {
  ifMatch: { number: 1, name: 'If-Match', format: 'opaque', bytes: [0, 8], repeatable: true },
  uriHost: { number: 3, name: 'Uri-Host', format: 'string', bytes: [1, 255] },
  etag: { number: 4, name: 'ETag', format: 'opaque', bytes: [1, 8], repeatable: true },
  ifNoneMatch: { number: 5, name: 'If-None-Match', format: 'empty', bytes: [0, 0] },
  observe: { number: 6, name: 'Observe', format: 'uint', bytes: [0, 3] },
  uriPort: { number: 7, name: 'Uri-Port', format: 'uint', bytes: [0, 2] },
  locationPath: { number: 8, name: 'Location-Path', format: 'string', bytes: [0, 255], repeatable: true },
  uriPath: { number: 11, name: 'Uri-Path', format: 'string', bytes: [0, 255], repeatable: true },
  contentFormat: { number: 12, name: 'Content-Format', format: 'uint', bytes: [0, 2] },
  maxAge: { number: 14, name: 'Max-Age', format: 'uint', bytes: [0, 4] },
  uriQuery: { number: 15, name: 'Uri-Query', format: 'string', bytes: [0, 255], repeatable: true },
  accept: { number: 17, name: 'Accept', format: 'uint', bytes: [0, 2] },
  locationQuery: { number: 20, name: 'Location-Query', format: 'string', bytes: [0, 255], repeatable: true },
  block2: { number: 23, name: 'Block2', format: 'uint', bytes: [0, 3] },
  block1: { number: 27, name: 'Block1', format: 'uint', bytes: [0, 3] },
  size2: { number: 28, name: 'Size2', format: 'uint', bytes: [0, 4] },
  proxyUri: { number: 35, name: 'Proxy-Uri', format: 'string', bytes: [1, 1034] },
  proxyScheme: { number: 39, name: 'Proxy-Scheme', format: 'string', bytes: [1, 255] },
  size1: { number: 60, name: 'Size1', format: 'uint', bytes: [0, 4] },
  noResponse: { number: 258, name: 'No-Response', format: 'uint', bytes: [0, 1] },
} as const satisfies Record<string, CoapOptionDefinition>

/** Options of the signals have numbers of their own for each signal (RFC 8323 §5). */
export const coapSignalOptions = {
  '7.01': [
    { number: 2, name: 'Max-Message-Size', format: 'uint', bytes: [0, 4] },
    { number: 4, name: 'Block-Wise-Transfer', format: 'empty', bytes: [0, 0] },
  ],
  '7.02': [{ number: 2, name: 'Custody', format: 'empty', bytes: [0, 0] }],
  '7.03': [{ number: 2, name: 'Custody', format: 'empty', bytes: [0, 0] }],
  '7.04': [
    { number: 2, name: 'Alternative-Address', format: 'string', bytes: [1, 255], repeatable: true },
    { number: 4, name: 'Hold-Off', format: 'uint', bytes: [0, 3] },
  ],
  '7.05': [{ number: 2, name: 'Bad-CSM-Option', format: 'uint', bytes: [0, 2] }],
} as const satisfies Record<string, readonly CoapOptionDefinition[]>

type Table = readonly (CoapOptionDefinition | undefined)[]

const tables = /* @__PURE__ */ new Map<string, Table>()

/** Definitions by number for messages with this code. */
export function optionTable(code: string): Table {
  const signal = code.startsWith('7.') ? code : ''
  let table = tables.get(signal)
  if (table === undefined) {
    const signals: Record<string, readonly CoapOptionDefinition[]> = coapSignalOptions
    table = byNumber(signal === '' ? Object.values(coapOptions) : signals[signal] ?? [])
    // Only the few that are assigned are kept: the code comes from the network.
    if (signal === '' || signal in signals) tables.set(signal, table)
  }
  return table
}

function byNumber(definitions: readonly CoapOptionDefinition[]): Table {
  const table: (CoapOptionDefinition | undefined)[] = []
  for (const definition of definitions) table[definition.number] = definition
  return table
}
