// All that the camera of the command line can do, by the camera for boards: the logic in QuickJS, everything around it real.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { setTimeout as wait } from 'node:timers/promises'
import tap, { type Test } from 'tap'
import { deviceAudience } from '../../lib/access/device-audience.ts'
import { encodeUtf8 as utf8 } from '../../lib/bytes/index.ts'
import { decodeCbor } from '../../lib/cbor/index.ts'
import { authenticateOauth, type CameraClient, ClientTracks, createCameraClient, openDeviceStream } from '../../lib/client/index.ts'
import { createEdgeConnection } from '../../lib/client/edge-connection.ts'
import { contentFormats } from '../../lib/coap/index.ts'
import type { CreatePeerConnection, MediaPeerConnection, TrackEntry } from '../../lib/webrtc/index.ts'
import { createNodeHost, loadEngine } from '../../runtimes/node/index.ts'
import { boardScene, skipCamera } from './support/board-scene.ts'
import { until } from './support/negotiating-pair.ts'
import { adminOf, connect, DEVICE, PRODUCT } from './support/service.ts'

const host = createNodeHost()

/** An OAuth server with one RSA key: its address, and tokens of it. */
async function oauthServer(t: Test): Promise<{ issuer: string; token: (claims: Record<string, unknown>, strange?: boolean) => Promise<string> }> {
  const [own, stranger] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')]
  const key = { ...await exportJWK(own.publicKey), kid: 'one', alg: 'RS256' }
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [key] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    token: (claims, strange = false) => new SignJWT({ sub: 'someone', aud: deviceAudience({ productId: PRODUCT, deviceId: DEVICE }), ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' }).setIssuer(issuer).setIssuedAt().setExpirationTime('5m').sign(strange ? stranger.privateKey : own.privateKey),
  }
}

void tap.test('every part of the camera, on a board', { timeout: 170_000, skip: skipCamera('x86_64') }, async (t) => {
  const scene = await boardScene(t, 'x86_64')
  const oauth = await oauthServer(t)
  await adminOf(scene.service)('PUT', `/products/${PRODUCT}`, { anonymousClients: false, serverConnectTokens: true })
  const { username, password, fingerprint, serverConnectToken: accessToken } = await scene.invitation()
  const camera = scene.start('--oauth-issuer', oauth.issuer, '--oauth-jwks', `${oauth.issuer}/keys`, '--oauth-role', 'chief=Administrator', '--oauth-role=visitor=Guest')
  await camera.says('signaling CONNECTED', 60_000)
  await camera.says('engine.ready')
  while ((await connect(scene.service, '/v1/client/connect', accessToken)).status !== 200) await wait(50)
  const createPeerConnection: CreatePeerConnection = await loadEngine('node-datachannel', { loopbackOnly: true })

  async function open(more: { metadata?: ClientTracks; sharedSecret?: undefined; keyId?: undefined } = {}): Promise<{ client: CameraClient<MediaPeerConnection>; videos: () => number }> {
    let videos = 0
    const client = createCameraClient<MediaPeerConnection>({
      ...scene.target, ...more, accessToken, createPeerConnection, attach: (connection) => { connection.onVideo = () => { videos++ } },
    }, host)
    t.teardown(() => { client.close() })
    client.start()
    await client.ready()
    await client.verify({ fingerprint })
    return { client, videos: () => videos }
  }

  await t.test('pairing, tracks by name, streams, audit', async (t) => {
    const metadata = new ClientTracks()
    const named: TrackEntry[] = []
    metadata.onchange = (track) => { named.push(track) }
    const { client, videos } = await open({ metadata })
    await client.authenticate({ username, password })
    await client.iam.pair({ mode: 'password-invite', username, password, fingerprintName: 'test' })
    t.match(await client.iam.me(), { username, role: 'Administrator' })
    await until(() => videos() === 1, 'the picture')
    t.equal((await client.coap('POST', '/webrtc/tracks', { contentFormat: contentFormats.json, payload: utf8('{"tracks":["frontdoor-video"]}') })).code, '2.01')
    await until(() => videos() === 2 && named.length > 0, 'a second track')
    t.match(named, [{ trackId: 'frontdoor-video', mid: /./ }], 'by the name that was asked for')
    t.notOk(named[0].error)
    t.equal((await client.coap('POST', '/webrtc/tracks', { contentFormat: contentFormats.json, payload: utf8('{"tracks":["backdoor"]}') })).code, '4.04')

    const stream = await openDeviceStream(client, 7, host.clock)
    await stream.write(utf8('back to me'))
    await stream.end()
    let echoed = ''
    for await (const bytes of stream) echoed += Buffer.from(bytes).toString()
    t.equal(echoed, 'back to me')

    const events = decodeCbor((await client.coap('GET', '/audit')).payload ?? new Uint8Array()) as { Action: string; Outcome: string; User?: string }[]
    t.ok(events.some(({ Action, Outcome, User }) => Action === 'password' && Outcome === 'allowed' && User === username), 'the login is in the audit')
    t.ok(events.some(({ Action, Outcome }) => Action === 'Webrtc:VideoStream' && Outcome === 'allowed'))
    client.close()
  })

  await t.test('OAuth with RS256', async (t) => {
    // The shared secret stands for a user, who goes before the role of a token (protocol/iam.md §1.3).
    const { client, videos } = await open({ sharedSecret: undefined, keyId: undefined })
    t.equal((await client.coap('GET', '/audit')).code, '4.03')
    t.equal(videos(), 0)
    const refused = async (token: Promise<string>): Promise<void> => { await t.rejects(authenticateOauth(client, () => token, host), { name: 'RefusedError' }) }
    await refused(oauth.token({ roles: ['chief'] }, true))
    await refused(oauth.token({ roles: ['chief'], aud: 'another' }))
    await refused(oauth.token({ roles: ['cook'] }))
    t.equal((await client.coap('GET', '/audit')).code, '4.03')
    const stop = await authenticateOauth(client, () => oauth.token({ roles: ['chief'] }), host)
    t.equal((await client.coap('GET', '/audit')).code, '2.05')
    await until(() => videos() === 1, 'the picture')
    stop()
    client.close()
  })

  await t.test('the Edge dialect', async (t) => {
    let videos = 0
    const edge = createEdgeConnection<MediaPeerConnection>(
      { productId: PRODUCT, deviceId: DEVICE, sct: accessToken, signalingServerUrl: scene.service.url.replace('http', 'ws') },
      { createPeerConnection, attach: (connection) => { connection.onVideo = () => { videos++ } }, closed: () => undefined }, host,
    )
    t.teardown(() => { edge.close() })
    await edge.connect()
    t.equal(await edge.validate(fingerprint), true)
    t.equal((await edge.invoke('GET', '/webrtc/video/frontdoor')).code, '4.01', 'nobody yet')
    t.equal((await edge.request('GET', '/p2p/webrtc-info')).code, '2.05')
    edge.close()
    t.equal(videos, 0)
  })

  t.equal(await camera.stop(), 0)
  t.notMatch(camera.output + camera.errors, new RegExp([scene.secret, password, accessToken ?? '-'].join('|')), 'no secret is said')
  await t.rejects(scene.output('--print-invitation'), { code: 78, stderr: /has an owner/ })
})
