import { LenskeyError } from '../errors.ts'

/** A record of the signaling stream is longer than may be; the stream cannot go on. */
export type EdgeErrorCode = 'ERR_EDGE_RECORD_TOO_LARGE'

export class EdgeError extends LenskeyError {
  declare readonly code: EdgeErrorCode

  constructor(code: EdgeErrorCode, message: string) {
    super(code, message)
    this.name = 'EdgeError'
  }
}
