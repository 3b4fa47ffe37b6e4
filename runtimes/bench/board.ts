import { type Board, boardCrypto, boardRandom } from '../quickjs/host.ts'
import { FIRST_TOKEN, repeatWork, reportBench } from './report.ts'
import { benchWorks, firstToken } from './works.ts'

export interface BoardBenchOptions {
  version: string
  label: string | undefined
  /** `ROW=TIMES`: that work alone, so many times, with nothing measured; the first token comes before all else, and once. */
  repeat: string | undefined
}

/** The bench within the program for a board: what it is like there, with the host's crypto beside the language's own. */
export async function benchBoard(board: Board, { version, label, repeat }: BoardBenchOptions): Promise<void> {
  const host = { random: boardRandom(board), nativeCrypto: boardCrypto(board) }
  await firstToken(host, board.wallMs())
  const tokenMs = board.monotonicMs() - (board.startedMs ?? NaN)
  const [, row, times] = /^(.+)=(\d{1,7})$/.exec(repeat ?? '') ?? []
  if (row === FIRST_TOKEN) return
  const works = await benchWorks(host)
  if (repeat !== undefined) {
    await repeatWork(works, row, Number(times))
    return
  }
  const { engine = 'unknown engine', cpu = 'unknown processor', machine = 'unknown', emulated = false } = board.system?.() ?? {}
  await reportBench(works, tokenMs, {
    version, engine, crypto: board.crypto?.name ?? null, cpu, machine, emulated, label: label ?? null,
    monotonicMs: () => board.monotonicMs(),
    print: (line) => { board.print(line, false) },
    memory: () => {
      const { usedBytes, peakBytes } = board.heap?.() ?? {}
      return { rssBytes: board.system?.().rssBytes, heapBytes: usedBytes, peakHeapBytes: peakBytes }
    },
  })
}
