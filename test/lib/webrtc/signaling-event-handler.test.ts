import { SignalingEventHandler } from '../../../lib/webrtc/signaling-event-handler.ts'
import { type MemoryPeerConnection, MemoryPeerConnections } from '../../../runtimes/memory/peer-connection.ts'
import { test } from '../../suite.ts'

function handled() {
  const pc: MemoryPeerConnection = new MemoryPeerConnections().create()
  const seen = { checks: 0, restarts: 0 }
  const listeners = new Set<() => void>()
  pc.restartIce = () => seen.restarts++
  const connection = {
    checkAlive: () => seen.checks++,
    on: (_event: 'connectionreconnect', listener: () => void) => void listeners.add(listener),
    off: (_event: 'connectionreconnect', listener: () => void) => void listeners.delete(listener),
  }
  const handler = new SignalingEventHandler(pc, connection)
  const reconnect = () => {
    for (const listener of listeners) listener()
  }
  return { pc, seen, handler, reconnect, listeners }
}

test('a connection that falters has the signaling connection checked', (t) => {
  const { pc, seen } = handled()
  pc.setPath('connected')
  t.same(seen, { checks: 0, restarts: 0 })
  pc.setPath('disconnected')
  t.same(seen, { checks: 1, restarts: 0 })
})

test('a connection that failed, or whose signaling reconnected, restarts ICE', (t) => {
  const { pc, seen, reconnect } = handled()
  pc.setPath('failed')
  t.same(seen, { checks: 0, restarts: 1 })
  reconnect()
  t.same(seen, { checks: 0, restarts: 2 })
  pc.close()
  reconnect()
  t.same(seen, { checks: 0, restarts: 2 })
})

test('an engine that cannot restart ICE is heard', (t) => {
  const { pc, handler, reconnect } = handled()
  const errors: unknown[] = []
  const failure = new Error('no restart')
  handler.onerror = (error) => errors.push(error)
  pc.restartIce = () => {
    throw failure
  }
  reconnect()
  t.same(errors.map((error) => error === failure), [true])
})

test('closing lets go of both', (t) => {
  const { pc, handler, listeners } = handled()
  handler.close()
  t.equal(pc.listenerCount, 0)
  t.equal(listeners.size, 0)
})
