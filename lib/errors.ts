/**
 * The root of everything the outside world can cause. Wrong arguments are `TypeError` or `RangeError` instead.
 *
 * Callers switch on `code`, a literal that survives minification and is documented in docs/errors.md; `message` is for
 * people and never holds a token, a key or a password.
 */
export class LenskeyError extends Error {
  /** A stable literal such as `ERR_KEY_ENCRYPTED`. */
  readonly code: string
  /** What made this error, where something did. */
  override readonly cause?: unknown

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message)
    this.name = 'LenskeyError'
    this.code = code
    // Set by hand: engines of 2021 do not know the `cause` option of Error.
    if (options !== undefined && 'cause' in options) this.cause = options.cause
  }
}

/** Text of anything thrown, for logs and for errors that wrap it. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
