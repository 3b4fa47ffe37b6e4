import { readPairs } from './pairs.ts'
import { UsageError } from './usage-error.ts'

/** How many may watch, beside `max-viewers`, which is of each program. */
export const viewersOptions = {
  'max-viewers-of': { value: 'ROLE=N', help: 'viewers with this role at a time, 0 to 64; others are bounded by --max-viewers alone', repeatable: true },
}

/** @returns for `CameraGuardOptions.maxViewers`. @throws {UsageError} */
export function readMaxViewers(given: readonly string[]): Record<string, number> {
  return Object.fromEntries(Object.entries(readPairs(given, 'max-viewers-of is ROLE=N')).map(([role, text]): [string, number] => {
    if (!/^\d{1,2}$/.test(text) || Number(text) > 64) throw new UsageError('--max-viewers-of is ROLE=N, with N from 0 to 64')
    return [role, Number(text)]
  }))
}
