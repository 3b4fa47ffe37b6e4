import { messageOf } from '../errors.ts'
import type { Log } from '../runtime/index.ts'
import { SignalingError, SignalingErrorCodes } from '../signaling/errors.ts'
import type { SignalingChannel } from '../signaling/channel.ts'
import { SignalingChannelState } from '../signaling/states.ts'
import { decodeEdgeEnvelope, EDGE_OPEN, encodeEdgeRecordEnvelope } from './envelope.ts'
import { EdgeRecordDecoder, encodeEdgeRecord } from './framing.ts'

/** A signaling stream as records: texts of one JSON object each, in order, nothing lost while it is open. */
export interface EdgeStream {
  send(record: string): void
  /** Ends the stream; `onClose` is called if it has not been. */
  close(): void
  /** Set by whoever uses it, before anything can arrive. A promise is waited for before the next record is delivered, where the stream can wait. */
  onRecord: ((record: string) => void | Promise<void>) | undefined
  /** Called once, whichever side ended it. */
  onClose: (() => void) | undefined
}

/** A stream of bytes, as a Nabto Edge connection has it. */
export interface EdgeByteStream {
  write(bytes: Uint8Array): void
  close(): void
  onBytes: ((bytes: Uint8Array) => void) | undefined
  onClose: (() => void) | undefined
}

/** Records on a stream of bytes (protocol/edge-webrtc.md §2.1). A record that is too long, in either direction, ends the stream. */
export function createEdgeRecordStream(bytes: EdgeByteStream, { log, maxRecordBytes }: { log: Log; maxRecordBytes?: number }): EdgeStream {
  const decoder = new EdgeRecordDecoder(maxRecordBytes)
  let over = false
  const end = (): void => {
    if (over) return
    over = true
    bytes.onBytes = undefined
    bytes.onClose = undefined
    bytes.close()
    stream.onClose?.()
  }
  const orEnd = (work: () => void): void => {
    if (over) return
    try {
      work()
    } catch (thrown) {
      log('warn', 'edge.stream.failed', { reason: messageOf(thrown) })
      end()
    }
  }
  const stream: EdgeStream = {
    send(record) {
      orEnd(() => { bytes.write(encodeEdgeRecord(record, maxRecordBytes)) })
    },
    close: end,
    onRecord: undefined,
    onClose: undefined,
  }
  bytes.onBytes = (piece) => {
    orEnd(() => {
      for (const record of decoder.push(piece)) {
        // Whoever reads the first may have ended it.
        if (!over) void stream.onRecord?.(record)
      }
    })
  }
  bytes.onClose = end
  return stream
}

/** A stream over a channel, the device's end, once the first message has said that it is one. */
export interface ChannelEdgeStream extends EdgeStream {
  /** Tells the other end that records may come. */
  accept(): void
  /** Ends it with a reason, which becomes the close code of the browser's WebSocket. */
  refuse(error: SignalingError): void
}

export function createChannelEdgeStream(channel: SignalingChannel, log: Log): ChannelEdgeStream {
  let over = false
  const send = (message: Parameters<SignalingChannel['sendMessage']>[0]): void => {
    if (over) return
    channel.sendMessage(message).catch((thrown: unknown) => {
      log('warn', 'edge.stream.failed', { channelId: channel.channelId, reason: messageOf(thrown) })
      stream.refuse(new SignalingError(SignalingErrorCodes.INTERNAL_ERROR, 'The camera could not send a message.'))
    })
  }
  const ended = (): void => {
    if (over) return
    over = true
    stream.onClose?.()
  }
  const stream: ChannelEdgeStream = {
    accept() {
      send(EDGE_OPEN)
    },
    send(record) {
      send(encodeEdgeRecordEnvelope(record))
    },
    refuse(error) {
      void channel.sendError(error)
      channel.close()
      ended()
    },
    close() {
      channel.close()
      ended()
    },
    onRecord: undefined,
    onClose: undefined,
  }
  channel.on('message', async (message) => {
    const envelope = decodeEdgeEnvelope(message)
    if (envelope === undefined) stream.refuse(new SignalingError(SignalingErrorCodes.DECODE_ERROR, 'not a message of an Edge stream'))
    else if ('record' in envelope && !over) await stream.onRecord?.(envelope.record)
  })
  channel.on('channelstatechange', () => {
    if (channel.channelState === SignalingChannelState.FAILED || channel.channelState === SignalingChannelState.CLOSED) ended()
  })
  return stream
}
