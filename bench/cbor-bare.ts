// The CBOR benchmark on a bare engine: prints microseconds as JSON, `{ encode, decode, json }`.
import '../test/noble-shims.ts'
import { decodeCbor, encodeCbor } from '../lib/cbor/index.ts'
import { iamUser } from '../runtimes/bench/iam-user.ts'

declare const print: (line: string) => void

const TURNS = 2000
const ROUNDS = 15

function microseconds(work: () => unknown): number {
  const found: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = Date.now()
    for (let turn = 0; turn < TURNS; turn++) work()
    found.push(((Date.now() - startMs) * 1000) / TURNS)
  }
  return found.sort((a, b) => a - b)[ROUNDS >> 1]
}

const bytes = encodeCbor(iamUser)
print(JSON.stringify({
  encode: microseconds(() => encodeCbor(iamUser)),
  decode: microseconds(() => decodeCbor(bytes)),
  json: microseconds(() => JSON.parse(JSON.stringify(iamUser)) as unknown),
}))
