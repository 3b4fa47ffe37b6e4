import { encodeUtf8 } from '../bytes/index.ts'
import type { MessagePipe } from '../coap/index.ts'
import type { DataChannel, DataChannelEvents } from './peer-connection.ts'

export interface DataChannelPipeOptions {
  /** Longest message in either direction, text counted in UTF-8; one that is longer closes the channel. Default 65,536. */
  maxMessageBytes?: number
  /** What may wait to be sent; a peer that asks for more than it reads has its channel closed. Default 1,048,576. */
  maxBufferedBytes?: number
}

/**
 * A data channel as the pipe that a CoAP session or client attaches, text and binary. To be attached while the channel
 * cannot have received anything: at its `open` event, or at once where the peer has made it.
 */
export function createDataChannelPipe(
  channel: DataChannel, { maxMessageBytes = 65_536, maxBufferedBytes = 1_048_576 }: DataChannelPipeOptions = {},
): MessagePipe {
  channel.binaryType = 'arraybuffer'

  const isTooLong = (text: string): boolean =>
    text.length > maxMessageBytes || (text.length * 3 > maxMessageBytes && encodeUtf8(text).length > maxMessageBytes)

  function onMessage({ data }: DataChannelEvents['message']): void {
    if (typeof data === 'string' ? isTooLong(data) : !(data instanceof ArrayBuffer) || data.byteLength > maxMessageBytes) channel.close()
    else pipe.onMessage?.(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer))
  }

  function onClose(): void {
    channel.removeEventListener('message', onMessage)
    channel.removeEventListener('close', onClose)
    pipe.onClose?.()
  }

  const pipe: MessagePipe = {
    maxMessageBytes,
    onMessage: undefined,
    onClose: undefined,
    send(message): void {
      if (channel.readyState !== 'open') return
      const fits = typeof message === 'string' ? !isTooLong(message) : message.length <= maxMessageBytes
      try {
        if (!fits || channel.bufferedAmount > maxBufferedBytes) channel.close()
        else if (typeof message === 'string') channel.send(message)
        else channel.send(message as Uint8Array<ArrayBuffer>)
      } catch {
        // An engine may refuse what it cannot send. Whoever answers has nobody to tell, and without that message no other may follow.
        channel.close()
      }
    },
    close(): void {
      channel.close()
    },
  }
  channel.addEventListener('message', onMessage)
  channel.addEventListener('close', onClose)
  return pipe
}
