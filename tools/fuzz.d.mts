export interface FuzzTarget {
  parts: 'engine' | 'host'
  /** Bytes. */
  length: number
  dictionary?: string
  runs: number
  keeps?: boolean
}
export const targets: Record<string, FuzzTarget>
export function ensureFuzzers(names?: string[]): Promise<void>
export function runFuzzer(name: string, limit?: { seconds?: number; runs?: number }): Promise<{ inputs: number; edges: number; corpus: number }>
