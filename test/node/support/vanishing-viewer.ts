// Started by gstreamer-hostile.test.ts as a process of its own, to be killed: a viewer with signaling over the channel of its parent.
// It says its offer and its candidates, and hears an answer and candidates.
import process from 'node:process'
import type { IceCandidate, SessionDescription } from '../../../lib/webrtc/index.ts'
import { loadEngine } from '../../../runtimes/node/index.ts'

const viewer = (await loadEngine('node-datachannel', { loopbackOnly: true }))({ iceServers: [] })
viewer.addEventListener('icecandidate', ({ candidate }) => {
  if (candidate !== null) process.send?.({ candidate: candidate.toJSON() })
})
process.on('message', ({ answer, candidate }: { answer?: SessionDescription; candidate?: IceCandidate }) => {
  if (answer !== undefined) void viewer.setRemoteDescription(answer)
  if (candidate !== undefined) void viewer.addIceCandidate(candidate)
})
viewer.createDataChannel('coap')
await viewer.setLocalDescription()
process.send?.({ offer: viewer.localDescription })
