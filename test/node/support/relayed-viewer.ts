// Started by turn-coturn.test.ts as a process of its own, which native code's log would keep: a viewer that may only relay, with signaling
// over the channel of its parent. argv: its ICE servers. Its last message is the echo, and what the log told first.
import process from 'node:process'
import { type IceServer, PerfectNegotiation } from '../../../lib/webrtc/index.ts'
import type { WebrtcSignalingMessage } from '../../../lib/signaling/messages.ts'
import { loadEngine } from '../../../runtimes/node/index.ts'
import { transportPair } from '../../lib/webrtc/transport-pair.ts'
import { hearEcho, until } from './negotiating-pair.ts'

const { initLogger } = await import('node-datachannel')
const told: string[] = []
initLogger('Verbose', (_, line) => {
  if (line.includes('juice: Changing state to connected')) told.push('up')
  else if (/IceTransport::RecvCallback.*: Incoming size/.test(line)) told.push('heard')
})
const create = await loadEngine('node-datachannel', { loopbackOnly: true, iceTransportPolicy: 'relay' })
const connection = create({ iceServers: JSON.parse(process.argv[2]) as IceServer[] })
const { client, device } = transportPair()
process.on('message', (message) => { void device.sendWebrtcSignalingMessage(message as WebrtcSignalingMessage) })
device.on('webrtcsignalingmessage', (message) => { process.send?.(message) })
const echo = hearEcho(connection)
new PerfectNegotiation(connection, client)
const heard = await echo
await until(() => told.includes('up') && told.includes('heard'), 'what native code tells')
process.send?.({ heard, told: told.slice(0, 2) }, () => process.exit())
