import type { EdgeStream } from '../../../lib/edge/index.ts'

export { silentLog } from '../../../lib/runtime/index.ts'
export { createSeededRandom } from '../../../runtimes/memory/index.ts'

/** One end of a stream in memory, with what went out of it. */
export interface TestStream extends EdgeStream {
  readonly sent: string[]
  readonly closed: boolean
}

/** Two ends joined to each other: records arrive later, in order. */
export function streamPair(): { client: TestStream; device: TestStream } {
  let over = false
  const end = (peer: () => TestStream): TestStream => {
    const sent: string[] = []
    let wire = Promise.resolve()
    const stream: TestStream = {
      sent,
      get closed() {
        return over
      },
      send(record) {
        if (over) return
        sent.push(record)
        wire = wire.then(() => {
          if (!over) void peer().onRecord?.(record)
        })
      },
      close() {
        if (over) return
        over = true
        client.onClose?.()
        device.onClose?.()
      },
      onRecord: undefined,
      onClose: undefined,
    }
    return stream
  }
  const client = end(() => device)
  const device = end(() => client)
  return { client, device }
}

/** Longer than any chain of promises here. */
export async function settle(turns = 500): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
}
