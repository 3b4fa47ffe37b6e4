import { LenskeyError } from '../../lib/errors.ts'

/** The command line was wrong; there is an exit code for it. */
export class UsageError extends LenskeyError {
  constructor(message: string) {
    super('ERR_USAGE', message)
    this.name = 'UsageError'
  }
}
