// A browser client of the Edge dialect that shares nothing with the library: plain JavaScript after protocol/edge-webrtc.md and
// protocol/iam.md §6. `window.edge` is what a test calls; every step throws with words of its own.
export const edgePage = `<!doctype html><title>edge</title><video muted playsinline width="640" height="360"></video><script>
const edge = { frames: 0, width: 0, height: 0, tracks: [], sent: [], received: [], closed: undefined }
window.edge = edge
let socket, pc, coap, makingOffer = false, ignoreOffer = false
const metadataOf = new Map()
const pending = new Map()

edge.connect = (url, login, options = {}) => new Promise((resolve, reject) => {
  socket = new WebSocket(url, 'json')
  const send = (message) => { edge.sent.push(message.type); socket.send(JSON.stringify(message)) }
  socket.onopen = () => send({ type: 20, ...login })
  socket.onclose = ({ code, reason }) => { edge.closed = { code, reason }; pc?.close(); reject(new Error('closed ' + code + ' ' + reason)) }
  let queue = Promise.resolve()
  socket.onmessage = ({ data }) => { queue = queue.then(() => take(JSON.parse(data))).catch((error) => reject(error)) }

  const metadata = () => {
    const tracks = pc.getTransceivers().filter(({ mid }) => mid !== null && metadataOf.has(mid)).map(({ mid }) => metadataOf.get(mid))
    const out = { tracks, status: tracks.some(({ error }) => error && error !== 'OK') ? 'FAILED' : 'OK' }
    if (options.noTrickle) out.noTrickle = true
    return out
  }
  const remember = (received) => {
    if (typeof received !== 'object' || received === null || !Array.isArray(received.tracks)) throw new Error('a frame without an array of tracks')
    for (const track of received.tracks) metadataOf.set(track.mid, track)
  }
  const describe = async (type) => {
    await pc.setLocalDescription()
    if (options.noTrickle && pc.iceGatheringState !== 'complete') {
      await new Promise((done) => pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && done()))
    }
    send({ type, data: JSON.stringify(pc.localDescription), metadata: metadata() })
  }

  async function take(message) {
    edge.received.push(message.type)
    if (message.type === 21) {
      send({ type: 3 })
    } else if (message.type === 4) {
      if (!Array.isArray(message.servers) || !Array.isArray(message.iceServers)) throw new Error('both shapes are wanted')
      begin(message.iceServers)
    } else if (message.type === 0 || message.type === 1) {
      const description = JSON.parse(message.data)
      const collides = description.type === 'offer' && (makingOffer || pc.signalingState !== 'stable')
      // Polite: an offer that collides rolls ours back.
      ignoreOffer = false
      remember(message.metadata)
      edge.collisions = (edge.collisions ?? 0) + (collides ? 1 : 0)
      await pc.setRemoteDescription(description)
      if (description.type === 'offer') await describe(1)
    } else if (message.type === 2) {
      if (options.noTrickle) throw new Error('a candidate came to a client that takes none')
      const candidate = JSON.parse(message.data)
      if (typeof candidate.sdpMid !== 'string') throw new Error('a candidate without a mid')
      await pc.addIceCandidate(candidate)
    }
  }

  function begin(iceServers) {
    pc = edge.pc = new RTCPeerConnection({ iceServers })
    pc.onicecandidate = ({ candidate }) => { if (candidate && !options.noTrickle) send({ type: 2, data: JSON.stringify(candidate) }) }
    pc.onnegotiationneeded = async () => {
      makingOffer = true
      try {
        await describe(0)
      } finally {
        makingOffer = false
      }
    }
    pc.oniceconnectionstatechange = () => { if (['failed', 'closed'].includes(pc.iceConnectionState)) socket.close() }
    pc.ontrack = ({ track, transceiver }) => {
      edge.tracks.push(metadataOf.get(transceiver.mid) ?? { mid: transceiver.mid })
      const video = document.querySelector('video')
      video.srcObject = new MediaStream([track])
      const count = () => {
        edge.frames++
        edge.width = video.videoWidth
        edge.height = video.videoHeight
        video.requestVideoFrameCallback(count)
      }
      video.requestVideoFrameCallback(count)
      void video.play()
    }
    coap = pc.createDataChannel('coap')
    coap.onmessage = ({ data }) => {
      if (typeof data !== 'string') return
      const { type, requestId, ...response } = JSON.parse(data)
      if (type === 1) pending.get(requestId)?.(response)
    }
    coap.onopen = () => resolve(edge.sent)
  }
})

edge.close = () => socket.close(1000)

edge.coap = async (method, path, contentType, payload) => {
  const requestId = crypto.randomUUID()
  const request = { type: 0, requestId, method, path }
  if (payload !== undefined) Object.assign(request, { contentType, payload: { type: 'Buffer', data: [...payload] } })
  const response = new Promise((resolve, reject) => {
    pending.set(requestId, resolve)
    setTimeout(() => reject(new Error('no answer to ' + method + ' ' + path)), 15000)
  })
  coap.send(JSON.stringify(request))
  const { statusCode, contentType: contentFormat, payload: bytes } = await response
  return { statusCode, contentFormat, payload: bytes }
}
edge.json = async (method, path, body) => {
  const { statusCode, contentFormat, payload } = await edge.coap(method, path, 50, body && new TextEncoder().encode(JSON.stringify(body)))
  const text = new TextDecoder().decode(new Uint8Array(payload))
  return { statusCode, contentFormat, body: contentFormat === 50 && text !== '' ? JSON.parse(text) : text }
}

const fingerprintIn = (sdp) => /^a=fingerprint:sha-256 (.{95})/m.exec(sdp)[1].replaceAll(':', '').toLowerCase()
const fromHex = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16))
const toHex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
const fromBase64url = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))

/** All claims of the challenge (§5). */
edge.challenge = async (fingerprint) => {
  const challenge = crypto.randomUUID()
  const { statusCode, contentFormat, body } = await edge.json('POST', '/webrtc/challenge', { challenge })
  if (statusCode !== 205 || contentFormat !== 50) return 'answered ' + statusCode
  const [header, claims, signature] = body.response.split('.')
  const { alg, typ, jwk } = JSON.parse(new TextDecoder().decode(fromBase64url(header)))
  const told = JSON.parse(new TextDecoder().decode(fromBase64url(claims)))
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify'])
  const good = await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, fromBase64url(signature), new TextEncoder().encode(header + '.' + claims))
  const spki = toHex(await sha256(new Uint8Array(await crypto.subtle.exportKey('spki', key))))
  return {
    alg, typ, good, nonce: told.nonce === challenge, device: spki === fingerprint,
    client_fingerprint: told.client_fingerprint === fingerprintIn(pc.localDescription.sdp),
    device_fingerprint: told.device_fingerprint === fingerprintIn(pc.remoteDescription.sdp),
  }
}

// P-256 by the book.
const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const mod = (value) => ((value % p) + p) % p
const power = (base, exponent) => { let result = 1n; for (base = mod(base); exponent > 0n; exponent >>= 1n) { if (exponent & 1n) result = mod(result * base); base = mod(base * base) } return result }
const inverse = (value) => power(value, p - 2n)
const point = (hex) => ({ x: BigInt('0x' + hex.slice(2, 66)), y: BigInt('0x' + hex.slice(66)) })
const encode = ({ x, y }) => fromHex('04' + x.toString(16).padStart(64, '0') + y.toString(16).padStart(64, '0'))
const negate = ({ x, y }) => ({ x, y: mod(-y) })
const add = (a, b) => {
  if (a === null) return b
  if (b === null) return a
  if (a.x === b.x && a.y !== b.y) return null
  const slope = a.x === b.x ? mod(3n * (a.x * a.x - 1n)) * inverse(2n * a.y) : (b.y - a.y) * inverse(b.x - a.x)
  const x = mod(slope * slope - a.x - b.x)
  return { x, y: mod(slope * (a.x - x) - a.y) }
}
const times = (scalar, base) => { let result = null; for (; scalar > 0n; scalar >>= 1n) { if (scalar & 1n) result = add(result, base); base = add(base, base) } return result }
const G = point('046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5')
const M = point('04886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f5ff355163e43ce224e0b0e65ff02ac8e5c7be09419c785e0ca547d55a12e2d20')
const N = point('04d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b4907d60aa6bfade45008a636337f5168c64d9bd36034808cd564490b1e656edbe7')

/** CBOR of short things: enough for §7. */
const cborText = (text) => { const bytes = new TextEncoder().encode(text); return [0x60 + bytes.length, ...bytes] }

edge.login = async (username, password) => {
  const wBytes = await sha256(new TextEncoder().encode(password))
  const w = BigInt('0x' + toHex(wBytes))
  const x = BigInt('0x' + toHex(crypto.getRandomValues(new Uint8Array(32)))) % (n - 1n) + 1n
  const T = encode(add(times(x, G), times(w % n, M)))
  const first = await edge.coap('POST', '/p2p/pwd-auth/1', 60, [0xa2, ...cborText('T'), 0x58, 65, ...T, ...cborText('Username'), ...cborText(username)])
  if (first.statusCode !== 201) return first.statusCode
  const S = Uint8Array.from(first.payload)
  const K = times(x, add(point(toHex(S)), negate(times(w % n, N))))
  const fields = [fromHex(fingerprintIn(pc.localDescription.sdp)), fromHex(fingerprintIn(pc.remoteDescription.sdp)), T, S, encode(K), wBytes]
  const TT = Uint8Array.from(fields.flatMap((field) => [0, 0, field.length >> 8, field.length & 255, ...field]))
  const keyHash = await sha256(await sha256(TT))
  const second = await edge.coap('POST', '/p2p/pwd-auth/2', 42, await sha256(keyHash))
  if (second.statusCode !== 201) return second.statusCode
  return toHex(Uint8Array.from(second.payload)) === toHex(keyHash) ? 'logged in' : 'the device does not know the password'
}
</script>`
