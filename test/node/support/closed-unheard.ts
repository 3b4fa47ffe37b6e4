// Started by native-ends.test.ts as a process of its own, which has to end by itself: a peer that makes a data channel and closes it
// while the event loop of the other end is busy, so that native code closes it before anybody listens. argv: what is closed,
// `channel` or `connection`. Prints what the other end sees.
import process from 'node:process'
import { loadEngine } from '../../../runtimes/node/index.ts'
import { negotiate, once } from './negotiating-pair.ts'

const closes = process.argv[2]
const create = await loadEngine('node-datachannel', { loopbackOnly: true })
const [peer, other] = [create({ iceServers: [] }), create({ iceServers: [] })]
negotiate(peer, other)
const first = peer.createDataChannel('first')
await once(other, 'datachannel')

const block = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
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
if (closes === 'channel') second.close()
else peer.close()
// Native code has its own threads.
block(500)

await closed
console.log(seen.join(', '))
first.close()
for (const connection of [peer, other]) connection.close()
