import type { CancelTimer, Clock } from '../runtime/index.ts'

/** What `work` comes to, unless that takes longer than `limitMs`: then what `late` makes is thrown. */
export async function withinMs<T>(work: Promise<T>, limitMs: number, clock: Clock, late: () => Error): Promise<T> {
  let cancel: CancelTimer = () => undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(limitMs, () => {
      reject(late())
    })
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    cancel()
  }
}
