import { type Rates, round } from './measure.ts'

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

/** Our rate beside the peer that the goal names: at least so large a share of its. */
export function atLeast<Peer extends string>(share: number, peer: Peer, row: string, rates: Rates<'ours' | Peer>): BenchRow {
  const ratio = rates.ratio('ours', peer)
  return {
    row, value: round(rates.of('ours')), unit: 'per second', better: 'higher',
    peers: [{ name: peer, value: round(rates.of(peer)) }],
    ratio: round(ratio), goal: `≥ ${share} × ${peer}`, met: ratio >= share,
  }
}

/** The same row with one more peer to look at, which no goal names. */
export function withJose(row: BenchRow, rates: Rates<'ours' | 'jose'>): BenchRow {
  return { ...row, peers: [...row.peers, { name: 'jose', value: round(rates.of('jose')) }] }
}
