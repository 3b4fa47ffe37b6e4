import { createCertificatePin, type DescribedConnection, fingerprintsInForce, MAX_SDP_LENGTH, sdpFingerprintOf } from '../../../lib/access/sdp-fingerprint.ts'
import { test } from '../../suite.ts'
import { seededRandom } from '../crypto/seeded-random.ts'

const A = 'a1'.repeat(32)
const B = 'b2'.repeat(32)
const colons = (digits: string): string => digits.toUpperCase().replace(/..(?!$)/g, '$&:')
const line = (digits: string): string => `a=fingerprint:sha-256 ${colons(digits)}`
const sdp = (...lines: string[]): string =>
  ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', ...lines, 'a=setup:actpass', ''].join('\r\n')

test('sdp fingerprint: at the session, in each section, in either case, with either line end', (t) => {
  t.equal(sdpFingerprintOf(sdp(line(A))), A)
  t.equal(sdpFingerprintOf(sdp(line(A), 'm=video 9 UDP/TLS/RTP/SAVPF 96', line(A))), A)
  t.equal(sdpFingerprintOf(sdp(line(A).toLowerCase())), A)
  t.equal(sdpFingerprintOf(sdp(line(A).replace('sha-256', 'SHA-256'))), A)
  t.equal(sdpFingerprintOf(sdp(line(A)).replaceAll('\r\n', '\n')), A)
  t.equal(sdpFingerprintOf(line(A)), A)
  t.equal(sdpFingerprintOf(sdp('a=msid:fingerprint fingerprint', line(A), 'a=mid:a=fingerprint:sha-1')), A, 'the word elsewhere means nothing')
})

test('sdp fingerprint: a second certificate, however it is brought in, is refused', (t) => {
  const others = [
    line(B), 'a=fingerprint:sha-1 ' + colons('b2'.repeat(20)), 'a=fingerprint:sha-512 ' + colons('b2'.repeat(64)), 'a=fingerprint:md5 00',
    'A=Fingerprint:sha-256 ' + colons(B), ' a=fingerprint:sha-256 ' + colons(B), 'a = fingerprint:sha-256 ' + colons(B),
    'a=fingerprint: sha-256 ' + colons(B), 'a=fingerprint:sha-256\t' + colons(B), line(A) + ' ', line(A) + ':00', 'a=fingerprint', 'a=fingerprint:',
    'a=fingerprint-2:sha-256 ' + colons(B),
  ]
  for (const other of others) {
    t.throws(() => sdpFingerprintOf(sdp(line(A), other)), 'ERR_SDP_FINGERPRINT', other)
    t.throws(() => sdpFingerprintOf(sdp(other, line(A))), 'ERR_SDP_FINGERPRINT', `${other}, first`)
  }
  t.throws(() => sdpFingerprintOf(sdp(`${line(A)}\rs=x\r${line(B)}`)), 'ERR_SDP_FINGERPRINT', 'behind a line end of its own kind')
})

test('sdp fingerprint: none, or one of another length, is refused', (t) => {
  for (const bad of [
    '', sdp(), sdp(line(A).slice(0, -1)), sdp(line(A).slice(0, -3)), sdp(line(A) + 'F'), sdp(`a=fingerprint:sha-256 ${A}`), sdp(line(A).replace(':A1', ' A1')),
    sdp(line(A).replace('A1:', 'G1:')),
  ]) t.throws(() => sdpFingerprintOf(bad), 'ERR_SDP_FINGERPRINT')
})

test('sdp fingerprint: the longest description, and one past it', (t) => {
  const whole = sdp(line(A))
  const longest = whole + 'x'.repeat(MAX_SDP_LENGTH - whole.length)
  t.equal(sdpFingerprintOf(longest), A)
  t.throws(() => sdpFingerprintOf(longest + 'x'), 'ERR_SDP_FINGERPRINT')
})

test('sdp fingerprint: whatever a description is made of, it has one fingerprint or is refused', (t) => {
  const draw = seededRandom(9)
  const pieces = ['a=', 'fingerprint', ':', 'sha-256', ' ', colons(A), colons(B), '\r\n', '\n', '\r', 'sha-1', line(A), line(B), 'm=', '\0', ' ', 'é']
  let taken = 0
  for (let round = 0; round < 3000; round++) {
    const text = Array.from(draw.bytes(12), (byte) => pieces[byte % pieces.length]).join('')
    try {
      const found = sdpFingerprintOf(text)
      t.ok(found === A || found === B)
      taken++
    } catch (thrown) {
      if ((thrown as { code?: unknown }).code !== 'ERR_SDP_FINGERPRINT') throw thrown
    }
  }
  t.ok(taken > 50, `${taken} were taken`)
})

test('sdp fingerprint: only descriptions in force count', (t) => {
  const [own, peer, other] = [{ sdp: sdp(line(A)) }, { sdp: sdp(line(B)) }, { sdp: sdp(line('c3'.repeat(32))) }]
  const both = { local: A, remote: B }
  const engine: DescribedConnection = { signalingState: 'stable', localDescription: own, remoteDescription: peer }
  t.same(fingerprintsInForce(engine), both)
  t.same(fingerprintsInForce(engine, both), both)
  t.throws(() => fingerprintsInForce({ ...engine, signalingState: 'have-remote-offer' }), 'ERR_SDP_NOT_IN_FORCE', 'an engine that does not tell them apart')
  t.throws(() => fingerprintsInForce({ ...engine, remoteDescription: null }), 'ERR_SDP_NOT_IN_FORCE')
  t.throws(() => fingerprintsInForce({ ...engine, localDescription: null }), 'ERR_SDP_NOT_IN_FORCE')
  const browser = { ...engine, currentLocalDescription: own, currentRemoteDescription: peer }
  t.same(fingerprintsInForce({ ...browser, signalingState: 'have-remote-offer', remoteDescription: other }), both, 'an offer that nobody has answered')
  t.throws(() => fingerprintsInForce({ ...browser, signalingState: 'have-local-offer', currentLocalDescription: null }), 'ERR_SDP_NOT_IN_FORCE')
  t.throws(() => fingerprintsInForce({ ...engine, remoteDescription: other }, both), 'ERR_SDP_FINGERPRINT_CHANGED')
  t.throws(() => fingerprintsInForce({ ...engine, localDescription: other }, both), 'ERR_SDP_FINGERPRINT_CHANGED')
  t.throws(() => fingerprintsInForce({ ...engine, remoteDescription: { sdp: sdp() } }, both), 'ERR_SDP_FINGERPRINT')
})

test('certificate pin: one certificate from the first description to the last', (t) => {
  const check = createCertificatePin()
  const other = sdp(line(B))
  t.throws(() => { check({ type: 'offer', sdp: sdp() }) }, 'ERR_SDP_FINGERPRINT')
  check({ type: 'rollback', sdp: '' })
  check({ type: 'offer', sdp: sdp(line(A)) })
  check({ type: 'answer', sdp: sdp(line(A), 'm=video 9 UDP/TLS/RTP/SAVPF 96', line(A).toLowerCase()) })
  check({ type: 'rollback', sdp: other })
  for (const type of ['offer', 'pranswer', 'answer']) t.throws(() => { check({ type, sdp: other }) }, 'ERR_SDP_FINGERPRINT_CHANGED', type)
  t.throws(() => { check({ type: 'offer', sdp: sdp(line(A), line(B)) }) }, 'ERR_SDP_FINGERPRINT')
  check({ type: 'offer', sdp: sdp(line(A)) })
  createCertificatePin()({ type: 'offer', sdp: other })
})
