// Native code that meets what it did not expect ends the process, and this file with it.
import tap from 'tap'
import { LenskeyError } from '../../lib/errors.ts'
import { createSeededRandom } from '../../runtimes/memory/random.ts'
import { loadEngine } from '../../runtimes/node/webrtc/index.ts'

const credentials = ['a=ice-ufrag:4ZcD', 'a=ice-pwd:2/1muCWoOi3uLifh0NuRHlmN', 'a=setup:actpass']
const offer = [
  'v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1', 'a=msid-semantic: WMS',
  `a=fingerprint:sha-256 ${Array(32).fill('6A').join(':')}`,
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', 'a=candidate:1 1 udp 2113937151 127.0.0.1 9 typ host', ...credentials,
  'a=mid:0', 'a=sctp-port:5000', 'a=max-message-size:262144',
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97 102', 'c=IN IP4 0.0.0.0', ...credentials, 'a=mid:1', 'a=extmap:1 urn:ietf:params:rtp-hdrext:toffset',
  'a=sendrecv', 'a=msid:- abc', 'a=rtcp-mux', 'a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack pli', 'a=rtpmap:97 rtx/90000', 'a=fmtp:97 apt=96',
  'a=rtpmap:102 H264/90000', 'a=fmtp:102 packetization-mode=1;profile-level-id=42001f', 'a=ssrc-group:FID 1 2', 'a=ssrc:1 cname:x',
]
const numbers = ['0', '-1', '65536', '4294967296', '99999999999999999999', '']
const words = ['inactive', 'recvonly', 'active', 'passive', 'holdconn', 'sha-1', 'audio', 'video', '']
const candidate = 'candidate:1 1 udp 2113937151 127.0.0.1 9 typ host generation 0 ufrag 4ZcD'

function mutations(seed: number) {
  const random = createSeededRandom(seed)
  const below = (limit: number) => (random.bytes(2)[0] * 256 + random.bytes(1)[0]) % limit
  const character = (text: string) => {
    const at = below(text.length + 1)
    return text.slice(0, at) + String.fromCharCode(32 + below(95)) + text.slice(at + below(3))
  }
  const line = (lines: string[]) => {
    const at = below(lines.length)
    const changes = [
      () => void lines.splice(at, 1),
      () => void lines.splice(at, 0, lines[below(lines.length)]),
      () => void (lines[at] = character(lines[at])),
      () => void (lines[at] = lines[at].slice(0, below(lines[at].length + 1))),
      () => void (lines[at] = lines[at].replace(/\d+/, numbers[below(numbers.length)])),
      () => void (lines[at] = lines[at].replace(/sendrecv|actpass|sha-256|video|application/, words[below(words.length)])),
    ]
    changes[below(changes.length)]()
  }
  return {
    below,
    sdp() {
      const lines = [...offer]
      for (let count = below(5); count >= 0; count--) if (lines.length > 0) line(lines)
      return lines.join('\r\n') + '\r\n'
    },
    candidate: () => ({ candidate: below(2) === 0 ? character(candidate) : candidate.replace(/\d+/, numbers[below(numbers.length)]), sdpMid: '0' }),
  }
}

for (const [engine, rounds] of [['node-datachannel', 800], ['werift', 60]] as const) {
  void tap.test(`${engine} survives descriptions and candidates that somebody tampered with`, async (t) => {
    const create = await loadEngine(engine, { loopbackOnly: true })
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
    const tampered = mutations(seed)
    const coin = () => tampered.below(2) === 0
    let taken = 0
    let refused = 0
    for (let round = 0; round < rounds; round++) {
      const pc = create({ iceServers: [] })
      try {
        if (coin()) pc.addVideoSender({ codec: 'VP8', trackId: 'x' })
        if (coin()) pc.createDataChannel('x')
        if (coin()) await pc.setLocalDescription().catch(() => undefined)
        await pc.setRemoteDescription({ type: pc.signalingState === 'have-local-offer' && coin() ? 'answer' : 'offer', sdp: tampered.sdp() })
        await pc.addIceCandidate(tampered.candidate())
        if (pc.signalingState === 'have-remote-offer') await pc.setLocalDescription()
        taken++
      } catch (error) {
        refused++
        if (!(error instanceof LenskeyError)) t.fail(`SEED=${seed}: ${String(error)}`)
      } finally {
        pc.close()
      }
    }
    t.ok(taken > 0 && refused > 0, `${taken} taken, ${refused} refused`)
  })
}
