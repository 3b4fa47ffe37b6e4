import { LenskeyError } from '../errors.ts'

/**
 * - `ERR_JWT_MALFORMED`: not a compact JWS of two JSON objects, or one past its bounds
 * - `ERR_JWT_HEADER`: a header that asks for what is not done here, such as `crit`
 * - `ERR_JWT_ALGORITHM`: not the algorithm of the key
 * - `ERR_JWT_SIGNATURE`: signed by another key, or changed since
 * - `ERR_JWT_EXPIRED`, `ERR_JWT_NOT_YET_VALID`: the wrong time
 * - `ERR_JWT_CLAIM`: a claim is missing, of the wrong type or out of bounds
 */
export type JwtErrorCode =
  | 'ERR_JWT_MALFORMED' | 'ERR_JWT_HEADER' | 'ERR_JWT_ALGORITHM' | 'ERR_JWT_SIGNATURE'
  | 'ERR_JWT_EXPIRED' | 'ERR_JWT_NOT_YET_VALID' | 'ERR_JWT_CLAIM'

export class JwtError extends LenskeyError {
  declare readonly code: JwtErrorCode

  constructor(code: JwtErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
    this.name = 'JwtError'
  }
}
