/** One line of the report, and one element of what `--json` prints. */
export interface BenchRow {
  row: string
  value: number
  unit: string
  better: 'higher' | 'lower'
  /** The same work done by others, measured in the same run and in the same unit. */
  peers: { name: string; value: number }[]
  /** Our value over that of the peer that the goal names; over the goal's own figure where it names none. */
  ratio: number
  goal: string
  met: boolean
}
