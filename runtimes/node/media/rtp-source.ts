import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import type { VideoCodec } from '../../../lib/webrtc/peer-connection.ts'
import { type FanOutOptions, VideoFanOut } from './fan-out.ts'
import { isRtcp } from './rtcp.ts'
import { makeRtp, parseRtp } from './rtp.ts'
import type { VideoSource } from './video-source.ts'

export interface RtpSourceOptions extends Pick<FanOutOptions, 'maxKeptPackets' | 'maxKeptBytes'> {
  codec: VideoCodec
  /** UDP port on 127.0.0.1; 0 for any that is free. */
  port: number
}

/** The largest packet that is passed on: more does not fit into one datagram behind SRTP and TURN. */
const maxPacketBytes = 1400

/**
 * Takes video as RTP on a UDP port of this machine, from an encoder such as ffmpeg. H.264 has to come in packetization mode 1,
 * baseline, with its parameter sets in front of each key frame; a key frame a second keeps viewers from waiting.
 *
 * @throws {LenskeyError} `ERR_RTP_PORT` when the port cannot be had
 */
export async function createRtpSource({ codec, port, ...limits }: RtpSourceOptions): Promise<VideoSource & { readonly port: number }> {
  const fanOut = new VideoFanOut(codec, limits)
  const socket = createSocket('udp4')
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true })
    await once(socket, 'listening')
  } catch (cause) {
    throw new LenskeyError('ERR_RTP_PORT', `no RTP on port ${port}: ${messageOf(cause)}`, { cause })
  }
  socket.on('error', () => undefined)
  socket.on('message', (packet) => {
    if (packet.length > maxPacketBytes || isRtcp(packet)) return
    const header = parseRtp(packet)
    // Made anew: extensions of the encoder mean nothing to a viewer who agreed on none.
    if (header !== undefined) fanOut.push(makeRtp(header, packet.subarray(header.payloadStart, header.payloadEnd)))
  })
  let closed = false
  return {
    codec,
    port: socket.address().port,
    subscribe: (sink) => fanOut.subscribe(sink),
    close() {
      if (closed) return
      closed = true
      fanOut.close()
      socket.close()
    },
  }
}
