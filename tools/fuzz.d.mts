export interface FuzzTarget {
  /** In test/fuzz and its corpus, where it is not the name. */
  file?: string
  parts: 'engine' | 'mbedtls' | 'openssl'
  /** Bytes. */
  length: number
  dictionary?: string
  runs: number
  keeps?: boolean
}
export const targets: Record<string, FuzzTarget>
export function seedsOf(name: string): string
export function ensureFuzzers(names?: string[]): Promise<void>
export function runFuzzer(name: string, limit?: { seconds?: number; runs?: number }): Promise<{ inputs: number; edges: number; corpus: number }>
