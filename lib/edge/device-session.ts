import { messageOf } from '../errors.ts'
import type { Clock, Log } from '../runtime/index.ts'
import type { IceServer } from '../signaling/messages.ts'
import { decodeEdgeMessage, edgeMessageTypes, encodeEdgeMessage } from './messages.ts'
import type { EdgeStream } from './stream.ts'
import { EdgeTransport } from './transport.ts'

export interface EdgeDeviceSessionOptions {
  /** Asked once per stream; what it rejects with leaves the session without servers (protocol/edge-webrtc.md §2.3). */
  iceServers: () => Promise<IceServer[]>
  /** How long that may take; default 5,000. */
  iceServersMs?: number
  gatheringMs?: number
  /** Records without an answer yet; one more ends the stream. Default 256. */
  maxWaiting?: number
}

/**
 * The device's end of a signaling stream (protocol/edge-webrtc.md §2). Requests for servers are answered from the start;
 * `setupdone` comes with the first description of the client, so that candidates before it go nowhere and a client that
 * only looks costs no connection.
 * @param ready - called when servers are known and records are read from now on
 */
export function createEdgeDeviceSession(
  stream: EdgeStream, options: EdgeDeviceSessionOptions, host: { clock: Clock; log: Log }, ready: () => void = () => undefined,
): EdgeTransport {
  const { iceServersMs = 5_000, maxWaiting = 256 } = options
  const transport = new EdgeTransport(stream, { role: 'device', gatheringMs: options.gatheringMs }, host)
  const known = servers().then((found) => {
    ready()
    return found
  })
  let queue: Promise<void> = known.then(() => undefined)
  let waiting = 0
  let isSetUp = false

  /** A service that gives no servers must not keep two ends on the same network apart. */
  function servers(): Promise<IceServer[]> {
    return new Promise((resolve) => {
      const without = (reason: string): void => {
        host.log('warn', 'edge.ice-servers.failed', { reason })
        resolve([])
      }
      const cancel = host.clock.after(iceServersMs, () => { without(`no answer within ${iceServersMs} ms`) })
      options.iceServers().then(resolve, (thrown: unknown) => { without(messageOf(thrown)) }).finally(cancel)
    })
  }

  async function take(record: string): Promise<void> {
    const message = decodeEdgeMessage(record)
    if (message === undefined || message.type === edgeMessageTypes.turnResponse) {
      host.log('debug', 'edge.record.ignored', { length: record.length })
    } else if (message.type === edgeMessageTypes.turnRequest) {
      stream.send(encodeEdgeMessage({ type: edgeMessageTypes.turnResponse, iceServers: await known }))
    } else {
      if (!isSetUp && 'description' in message && message.description.type === 'offer') {
        isSetUp = true
        const settingUp = transport.setUp(await known)
        // In the same turn where possible: else what the session adds by itself would be offered ahead of the answer.
        if (settingUp !== undefined) await settingUp
      }
      if (isSetUp) await transport.receive(message)
    }
  }

  stream.onRecord = (record) => {
    if (waiting >= maxWaiting) {
      host.log('warn', 'edge.stream.failed', { reason: 'records come faster than they can be applied' })
      stream.close()
      return undefined
    }
    waiting++
    return (queue = queue.then(() => take(record)).finally(() => { waiting-- }))
  }
  return transport
}
