import { LenskeyError } from '../errors.ts'

/**
 * - `ERR_IAM_NO_SUCH_USER`, `ERR_IAM_NO_SUCH_ROLE`, `ERR_IAM_NO_SUCH_CATEGORY`
 * - `ERR_IAM_USER_EXISTS`: the name is taken, or the key is somebody's already
 * - `ERR_IAM_INVALID_ARGUMENT`: outside what protocol/iam.md §4 allows; the message names the limit
 * - `ERR_IAM_INTERNAL`: as many users as there may be, or a fingerprint that the user does not have
 * - `ERR_IAM_CONFIGURATION`, `ERR_IAM_STATE`: a file that cannot be read; the message names the member
 * - `ERR_IAM_STATE_TOO_LARGE`: the change would make the state larger than it may be
 * - `ERR_IAM_BUSY`: too many changes are waiting to be written
 * - `ERR_IAM_STORAGE`: the storage failed, and nothing was changed
 */
export type IamErrorCode =
  | 'ERR_IAM_NO_SUCH_USER'
  | 'ERR_IAM_NO_SUCH_ROLE'
  | 'ERR_IAM_NO_SUCH_CATEGORY'
  | 'ERR_IAM_USER_EXISTS'
  | 'ERR_IAM_INVALID_ARGUMENT'
  | 'ERR_IAM_INTERNAL'
  | 'ERR_IAM_CONFIGURATION'
  | 'ERR_IAM_STATE'
  | 'ERR_IAM_STATE_TOO_LARGE'
  | 'ERR_IAM_BUSY'
  | 'ERR_IAM_STORAGE'

export class IamError extends LenskeyError {
  declare readonly code: IamErrorCode

  constructor(code: IamErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
    this.name = 'IamError'
  }
}
