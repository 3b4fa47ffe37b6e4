import { LenskeyError } from '../errors.ts'

/**
 * - `ERR_EDGE_RECORD_TOO_LARGE`: a record of the signaling stream is longer than may be; the stream cannot go on
 * - `ERR_EDGE_CLOSED`: the signaling stream or its service ended the session
 */
export type EdgeErrorCode = 'ERR_EDGE_RECORD_TOO_LARGE' | 'ERR_EDGE_CLOSED'

export class EdgeError extends LenskeyError {
  declare readonly code: EdgeErrorCode

  constructor(code: EdgeErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
    this.name = 'EdgeError'
  }
}
