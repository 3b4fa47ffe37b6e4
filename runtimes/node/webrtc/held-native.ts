/** A data channel or a track of native code. */
interface Closable {
  close(): void
  onClosed(callback: () => void): void
}

/**
 * A data channel or a track of native code, until we let go of it.
 *
 * Native code keeps the process alive for it until it has told that it is closed, and there are closes that it tells nobody: one from
 * before anybody listened (a peer makes a channel and closes it while our event loop is busy), and one by two threads at once. What
 * is left then keeps the process until its JavaScript object is collected. So this here forgets it, and whoever makes
 * one must not hold the native object anywhere else, nor in a callback given to it.
 */
export class HeldNative<Native extends Closable> {
  /** Undefined after `letGo`. */
  native: Native | undefined
  /** Whether native code told that it is closed. */
  isClosed = false
  readonly #untold: UntoldCloses

  /** @param onClosed - of several callbacks of a data channel this one must be given last, see there */
  constructor(native: Native, untold: UntoldCloses, onClosed?: () => void) {
    this.native = native
    this.#untold = untold
    native.onClosed(() => {
      this.isClosed = true
      onClosed?.()
    })
  }

  /** Closes it, if that has not been done, and does not wait to be told. */
  letGo(): void {
    const { native } = this
    if (native === undefined) return
    this.native = undefined
    // Of a track that is closed it lets go of the callback that told so, and of the others by this call alone.
    native.close()
    if (!this.isClosed) this.#untold.expect(native, this)
  }
}

/** Longer than native code takes to tell that something is closed. */
const TOLD_WITHIN_MS = 500
/** One or two were seen to be enough; a program that goes on for hours pays for no more than these. */
const MOST_COLLECTIONS = 5

/** The closes that native code has yet to tell us of, among all connections of an engine. */
export class UntoldCloses {
  /** The process stays for these in any case. */
  readonly connections = new Set<object>()
  readonly #ends = new Set<{ isClosed: boolean }>()
  readonly #collected = new FinalizationRegistry<{ isClosed: boolean }>((end) => this.#ends.delete(end))
  #timer: NodeJS.Timeout | undefined
  /** Since the last end came. */
  #looks = 0

  /** @param end - of `native`, which it must not hold any more */
  expect(native: object, end: { isClosed: boolean }): void {
    this.#ends.add(end)
    this.#collected.register(native, end)
    this.#looks = 0
    this.#timer ??= setInterval(() => this.#look(), TOLD_WITHIN_MS).unref()
  }

  #look(): void {
    for (const end of this.#ends) if (end.isClosed) this.#ends.delete(end)
    if (this.#ends.size === 0 || this.#looks > MOST_COLLECTIONS) {
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#ends.clear()
    } else if (this.connections.size === 0 && this.#looks++ > 0) {
      // Where there is no inspector the process stays until it is ended.
      collectGarbage().catch(() => undefined)
    }
  }
}

/** A process that does nothing any more does not do so by itself. Takes some 20 ms. */
async function collectGarbage(): Promise<void> {
  const { Session } = await import('node:inspector')
  const session = new Session()
  session.connect()
  // To disconnect within the answer would block for ever.
  session.post('HeapProfiler.collectGarbage', () => setImmediate(() => session.disconnect()))
}
