// Started by program-ends.test.ts as a process of its own, which has to end by itself. argv: the scene. Prints what the other end sees.
import process from 'node:process'
import type { MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { loadEngine } from '../../../runtimes/node/index.ts'
import { negotiate, once, until } from './negotiating-pair.ts'

const create = await loadEngine('node-datachannel', { loopbackOnly: true })
const [peer, other] = [create({ iceServers: [] }), create({ iceServers: [] })] as [MediaPeerConnection, MediaPeerConnection]
negotiate(peer, other)
peer.createDataChannel('first')
await once(other, 'datachannel')

/** Time for native code, which has its own threads, while nobody listens to it. */
const block = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** The peer makes a channel, and closes something while the event loop of the other end is busy. */
async function closedUnheard(close: (channel: { close(): void }) => void): Promise<string[]> {
  const second = peer.createDataChannel('second')
  const seen: string[] = []
  const closed = new Promise((resolve) => {
    other.addEventListener('datachannel', ({ channel }) => {
      seen.push(channel.readyState)
      channel.addEventListener('close', () => resolve(seen.push('close')))
    })
  })
  while (second.readyState !== 'open') block(5)
  block(200)
  close(second)
  block(500)
  await closed
  return seen
}

/** Sections of a description with video, as each is answered. */
const videoOf = ({ localDescription }: MediaPeerConnection): string[] =>
  (localDescription?.sdp ?? '').split(/^(?=m=)/m).filter((section) => section.startsWith('m=video')).map((section) => /^a=(\w+only|inactive)/m.exec(section)?.[1] ?? '')

const scenes: Record<string, () => Promise<string[]>> = {
  channel: () => closedUnheard((channel) => { channel.close() }),
  connection: () => closedUnheard(() => { peer.close() }),
  async picture() {
    const sender = other.addVideoSender({ codec: 'VP8', trackId: 'picture' })
    await until(() => sender.ready, 'a picture')
    peer.close()
    await until(() => other.connectionState === 'closed', 'the close')
    return [other.connectionState]
  },
  /** One picture is there, and the peer has room for two. */
  async track() {
    other.addVideoSender({ codec: 'VP8', trackId: 'picture' })
    await until(() => videoOf(peer).length === 1 && other.signalingState === 'stable', 'a picture')
    peer.addVideoReceiver()
    await until(() => videoOf(other).length === 2 && peer.signalingState === 'stable', 'the answer')
    return videoOf(other)
  },
}

console.log((await scenes[process.argv[2]]()).join(', '))
for (const connection of [peer, other]) connection.close()
