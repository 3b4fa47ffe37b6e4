import type { MessagePipe } from '../../../lib/coap/index.ts'

/** Two ends of one pipe; messages arrive a turn later, as they do from a network. */
export interface PipePair {
  near: MessagePipe
  far: MessagePipe
  /** From now on what is sent is lost, as it is just before a connection breaks. */
  lose(): void
  /** What the near end has sent. */
  readonly sent: (string | Uint8Array)[]
  readonly received: (string | Uint8Array)[]
}

export function createPipePair(maxMessageBytes?: number): PipePair {
  const sent: (string | Uint8Array)[] = []
  const received: (string | Uint8Array)[] = []
  let open = true
  let lossy = false
  const end = (log: (string | Uint8Array)[], other: () => MessagePipe): MessagePipe => ({
    maxMessageBytes,
    onMessage: undefined,
    onClose: undefined,
    send(message): void {
      if (!open) return
      log.push(message)
      if (lossy) return
      void Promise.resolve().then(() => { if (open) other().onMessage?.(message) })
    },
    close(): void {
      if (!open) return
      open = false
      void Promise.resolve().then(() => {
        near.onClose?.()
        far.onClose?.()
      })
    },
  })
  const near: MessagePipe = end(sent, () => far)
  const far: MessagePipe = end(received, () => near)
  return { near, far, sent, received, lose: () => { lossy = true } }
}
