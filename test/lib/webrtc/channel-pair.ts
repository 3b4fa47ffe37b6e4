import type { DataChannel } from '../../../lib/webrtc/index.ts'
import { type MemoryPeerConnection, MemoryPeerConnections } from '../../../runtimes/memory/index.ts'

/** Lets all that is under way in memory happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve()
}

/** Both ends of one channel. */
export async function channelPair(label = 'coap', protocol = ''): Promise<[DataChannel, DataChannel]> {
  const connections = new MemoryPeerConnections()
  const [one, other] = [connections.create(), connections.create()]
  const trickle = (from: MemoryPeerConnection, to: MemoryPeerConnection): void => {
    from.addEventListener('icecandidate', ({ candidate }) => {
      const { candidate: line = '', usernameFragment = '' } = candidate?.toJSON() ?? {}
      if (candidate !== null) void settle().then(() => to.addIceCandidate({ candidate: line, usernameFragment: usernameFragment ?? '' }))
    })
  }
  trickle(one, other)
  trickle(other, one)
  const near = one.createDataChannel(label, { protocol })
  let far: DataChannel | undefined
  other.addEventListener('datachannel', ({ channel }) => { far = channel })
  await one.setLocalDescription()
  const offer = one.localDescription
  if (offer !== null) await other.setRemoteDescription(offer)
  await other.setLocalDescription()
  const answer = other.localDescription
  if (answer !== null) await one.setRemoteDescription(answer)
  await settle()
  await settle()
  if (far === undefined) throw new Error('the channel has not come up')
  return [near, far]
}
