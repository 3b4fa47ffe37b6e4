import { DeviceConnectionTimeout } from '../../../lib/webrtc/device-connection-timeout.ts'
import { createMemoryClock } from '../../../runtimes/memory/clock.ts'
import { MemoryPeerConnections } from '../../../runtimes/memory/peer-connection.ts'
import { test } from '../../suite.ts'

function watched(timeoutMs: number) {
  const clock = createMemoryClock()
  const pc = new MemoryPeerConnections().create()
  const seen = { fired: 0 }
  const timeout = new DeviceConnectionTimeout(timeoutMs, () => seen.fired++, clock)
  return { clock, pc, timeout, seen }
}

test('the time runs from construction', async (t) => {
  const { clock, seen } = watched(60_000)
  await clock.advance(59_999)
  t.equal(seen.fired, 0)
  await clock.advance(1)
  t.equal(seen.fired, 1)
  await clock.advance(600_000)
  t.equal(seen.fired, 1, 'once per loss')
})

test('a connection stops the time and its loss starts it', async (t) => {
  const { clock, pc, timeout, seen } = watched(1000)
  timeout.registerRTCPeerConnection(pc)
  pc.setPath('connected')
  await clock.advance(5000)
  t.equal(seen.fired, 0)
  pc.setPath('disconnected')
  await clock.advance(600)
  pc.setPath('failed')
  await clock.advance(399)
  t.equal(seen.fired, 0, 'a further state does not start it anew')
  await clock.advance(1)
  t.equal(seen.fired, 1)
  pc.setPath('connected')
  pc.setPath('disconnected')
  await clock.advance(1000)
  t.equal(seen.fired, 2, 'again after the next loss')
})

test('a connection that is there already counts', async (t) => {
  const { clock, pc, timeout, seen } = watched(1000)
  pc.setPath('connected')
  timeout.registerRTCPeerConnection(pc)
  await clock.advance(5000)
  t.equal(seen.fired, 0)
})

test('closing ends the time and lets go of the connection', async (t) => {
  const { clock, pc, timeout, seen } = watched(1000)
  timeout.registerRTCPeerConnection(pc)
  timeout.close()
  t.equal(pc.listenerCount, 0)
  t.equal(clock.pendingTimers(), 0)
  timeout.notConnected()
  timeout.registerRTCPeerConnection(pc)
  await clock.advance(5000)
  t.equal(seen.fired, 0)
})
