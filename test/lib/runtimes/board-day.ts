// The camera for boards on a board to which a day happens within a minute. The file that its first argument names says what is
// wrong at the moment; luck is always good, so that waits that grow to a minute take a 256th of it.
import { decodeUtf8 } from '../../../lib/bytes/index.ts'
import { main } from '../../../runtimes/quickjs/board-camera.ts'
import type { Board } from '../../../runtimes/quickjs/host.ts'

declare const board: Board

/** JSON of the file. */
interface Trouble {
  /** Of the wall clock. */
  offsetMs?: number
  /** The power goes when a file of this name has been written to one half. */
  cut?: string
}

const [file, ...args] = board.args
const trouble = (): Trouble => JSON.parse(decodeUtf8(new Uint8Array(board.readFile(file, 1000) ?? new ArrayBuffer(0)))) as Trouble

/** Jitter is made of four bytes (and so are masks of frames, for which any will do). */
const LUCK = [1, 0, 0, 0]
const PIECE_BYTES = 4096

const heap = (): number => board.heap?.().usedBytes ?? NaN

/** Bytes of the heap without garbage in cycles: makes some of it until the engine has collected. */
function collected(): number {
  for (let before = heap(); ;) {
    const cycle: unknown[] = [new Uint8Array(PIECE_BYTES)]
    cycle.push(cycle)
    const after = heap()
    if (after < before) return after
    before = after
  }
}

main(Object.assign(Object.create(board) as Board, {
  args,
  wallMs: () => board.wallMs() + (trouble().offsetMs ?? 0),
  randomBytes: (length: number) => (length === LUCK.length ? Uint8Array.from(LUCK).buffer : board.randomBytes(length)),
  writeFile(path: string, bytes: Uint8Array) {
    if (!path.endsWith(`/${trouble().cut ?? ''}`)) {
      board.writeFile(path, bytes)
      return
    }
    board.writeFile(`${path}.tmp`, bytes.subarray(0, bytes.length / 2))
    board.print('half written', false)
    for (;;) board.monotonicMs()
  },
  print(line: string, toStderr: boolean) {
    board.print(line, toStderr)
    if (line === 'signaling CONNECTED') board.print(`collected ${collected()}`, false)
  },
}))
