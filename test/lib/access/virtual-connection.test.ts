import { VirtualConnections } from '../../../lib/access/virtual-connection.ts'
import { test } from '../../suite.ts'

// protocol/iam.md Appendix A; §10, "Virtual connection".

const observer = (events: string[]): ConstructorParameters<typeof VirtualConnections>[0] => ({
  begin: ({ id }) => events.push(`begin ${id}`),
  end: ({ id }) => events.push(`end ${id}`),
})

test('a connection begins, ends once, and tells', (t) => {
  const events: string[] = []
  const connections = new VirtualConnections(observer(events))
  const first = connections.begin()
  first.onEnd(() => events.push('waiting request'))
  first.end()
  first.end()
  first.onEnd(() => events.push('late'))
  connections.begin()
  connections.endAll()
  t.same(events, ['begin 1', 'end 1', 'waiting request', 'late', 'begin 2', 'end 2'], 'an id is never used again')
  t.same([first.ended, connections.open.size, first.isLocal, first.isVirtual], [true, 0, false, true])
})

test('so many at a time', (t) => {
  const connections = new VirtualConnections(observer([]), { limit: 1 })
  const first = connections.begin()
  t.throws(() => connections.begin(), 'ERR_ACCESS_TOO_MANY_CONNECTIONS')
  first.end()
  t.ok(connections.begin())
})

test('whether it is local is asked anew each time', (t) => {
  let near = true
  const connection = new VirtualConnections(observer([])).begin({ isLocal: () => near })
  t.equal(connection.isLocal, true)
  near = false
  t.equal(connection.isLocal, false)
})

test('fingerprints are set in either case and read in lower', (t) => {
  const connection = new VirtualConnections(observer([])).begin()
  t.same([connection.clientFingerprint, connection.deviceFingerprint], [undefined, undefined])
  connection.clientFingerprint = 'AB'.repeat(32)
  connection.deviceFingerprint = 'CD'.repeat(32)
  t.same([connection.clientFingerprint, connection.deviceFingerprint], ['ab'.repeat(32), 'cd'.repeat(32)])
  connection.clientFingerprint = 'f'.repeat(63)
  t.equal(connection.clientFingerprint, `0${'f'.repeat(63)}`)
  t.throws(() => { connection.deviceFingerprint = 'f'.repeat(63) }, 'RangeError')
  t.throws(() => { connection.clientFingerprint = 'f'.repeat(62) }, 'RangeError')
  t.throws(() => { connection.clientFingerprint = 'g'.repeat(64) }, 'RangeError')
  t.equal(connection.deviceFingerprint, 'cd'.repeat(32))
})

const described = (local: string, remote: string): Parameters<ReturnType<VirtualConnections['begin']>['readFingerprints']>[0] => {
  const description = (byte: string): { sdp: string } => ({ sdp: `v=0\r\na=fingerprint:sha-256 ${Array<string>(32).fill(byte).join(':')}\r\n` })
  return { signalingState: 'stable', localDescription: description(local), remoteDescription: description(remote) }
}

test('fingerprints are those of the descriptions in force, and stay', (t) => {
  const connection = new VirtualConnections(observer([])).begin()
  connection.readFingerprints(described('AA', '0B'))
  t.same([connection.clientFingerprint, connection.deviceFingerprint], ['0b'.repeat(32), 'aa'.repeat(32)])
  connection.readFingerprints(described('AA', '0B'))
  t.throws(() => { connection.readFingerprints(described('AA', '0C')) }, 'ERR_SDP_FINGERPRINT_CHANGED')
  t.equal(connection.clientFingerprint, '0b'.repeat(32))
})
