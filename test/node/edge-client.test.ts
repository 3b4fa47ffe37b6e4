// Our own browser client of the Edge dialect, in a real browser.
import { buildSync } from 'esbuild'
import tap from 'tap'
import type * as EdgeClientModuleNames from '../../runtimes/browser/edge-client.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { edgeScene, serveFiles, until } from './support/edge-scene.ts'
import { DEVICE, PRODUCT } from './support/service.ts'

const skip = skipWithout('chromium')

type EdgeClientModule = typeof EdgeClientModuleNames

void tap.test('our own client, under the published names', { skip }, async (t) => {
  const { service, iam, password, fingerprint, page, sessions } = await edgeScene(t, 'node-datachannel')
  const { outputFiles } = buildSync({ entryPoints: ['runtimes/browser/edge-client.ts'], bundle: true, format: 'esm', write: false, logLevel: 'silent' })
  await page.goto(await serveFiles(t, { '/': '<!doctype html><video muted playsinline></video>', '/edge-client.js': outputFiles[0].text }))
  const options = { productId: PRODUCT, deviceId: DEVICE, sct: 'sct', signalingServerUrl: service.url.replace('http', 'ws') }
  const found = await page.evaluate(async ({ options, password, fingerprint }) => {
    const path = '/edge-client.js'
    const { CoapContentFormat, CoapMethod, createEdgeWebrtcConnection, createEdgeWebrtcIamUtil, NabtoWebrtcError, NabtoWebrtcErrorCode } = await import(path) as EdgeClientModule
    const codeOf = (thrown: unknown): unknown => (thrown instanceof NabtoWebrtcError ? thrown.code : String(thrown))
    const caught = async (work: () => Promise<unknown>): Promise<unknown> => {
      try {
        await work()
        return 'nothing'
      } catch (thrown) {
        return codeOf(thrown)
      }
    }
    const wrong = createEdgeWebrtcConnection()
    const withoutOptions = await caught(() => wrong.connect())
    wrong.setConnectionOptions({ ...options, deviceId: 'wd-nobody' })
    const notConnected = await caught(() => wrong.coapInvoke(CoapMethod.GET, '/iam/me'))
    const unknown = [await caught(() => wrong.connect()), NabtoWebrtcErrorCode.BASESTATION_UNKNOWN_DEVICE_ID]

    const connection = createEdgeWebrtcConnection()
    connection.setConnectionOptions(options)
    const tracks: unknown[] = []
    const closed: unknown[] = []
    let frames = 0
    connection.onTrack(({ track }, trackId, error) => {
      tracks.push([track.kind, trackId, error])
      const video = document.querySelector('video') as HTMLVideoElement
      video.srcObject = new MediaStream([track])
      const count = (): void => {
        frames++
        video.requestVideoFrameCallback(count)
      }
      video.requestVideoFrameCallback(count)
      void video.play()
    })
    connection.onClosed((error) => closed.push(error?.code))
    await connection.connect()
    const again = await caught(() => connection.connect())
    const valid = [await connection.validateFingerprint(fingerprint), await connection.validateFingerprint('ab'.repeat(32))]
    const wrongPassword = await caught(() => connection.passwordAuthenticate('maria', 'wrong'))
    await connection.passwordAuthenticate('maria', password)
    const info = await connection.coapInvoke(CoapMethod.GET, '/p2p/webrtc-info')
    const iam = createEdgeWebrtcIamUtil()
    const me = await iam.getMe(connection)
    const roles = await iam.listIamRoles(connection)
    const made = await iam.createUser(connection, 'guest', 'Guest')
    const name = await connection.coapInvoke(CoapMethod.PUT, '/iam/users/guest/display-name', CoapContentFormat.APPLICATION_CBOR, new Uint8Array([0x61, 0x47]).buffer)
    const missing = await connection.coapInvoke(CoapMethod.GET, '/nothing/here')
    const channel = await connection.createDatachannel('default')
    const tracksAnswer = await connection.coapInvoke(CoapMethod.POST, '/webrtc/tracks', CoapContentFormat.APPLICATION_JSON, JSON.stringify({ tracks: ['frontdoor-video'] }))
    for (const end = Date.now() + 20_000; frames < 10 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 50))
    await connection.close()
    return {
      withoutOptions, notConnected, unknown, again, valid, wrongPassword, me: me.Username, roles, made, name: name.statusCode, missing: missing.statusCode,
      info: [info.statusCode, info.contentFormat, typeof (JSON.parse(new TextDecoder().decode(info.payload)) as { SignalingStreamPort: unknown }).SignalingStreamPort],
      label: channel.label, tracksStatus: tracksAnswer.statusCode, tracks, enough: frames >= 10, closed,
    }
  }, { options, password, fingerprint })
  t.match(found, {
    withoutOptions: /Missing connection options/, notConnected: /Not Connected/, again: /once/,
    valid: [true, false], wrongPassword: /PasswordError/, me: 'maria', name: 204, missing: 404, info: [205, 50, 'number'], label: 'default', enough: true,
    made: { Username: 'guest', Role: 'Guest', Password: String }, closed: [undefined],
  })
  t.equal(found.unknown[0], found.unknown[1])
  t.ok(found.roles.includes('Guest'))
  t.equal(found.tracksStatus, 201)
  t.strictSame(found.tracks, [['video', 'frontdoor-video', undefined]])
  t.equal(iam.users.find('guest')?.displayName, 'G')
  t.equal(iam.users.find('guest')?.password, found.made.Password)
  await until(() => sessions() === 0, 'the end of the session')
})

void tap.test('a track of ours that the device refuses, in the older dialect', { skip }, async (t) => {
  const { service, password, fingerprint, page } = await edgeScene(t, 'node-datachannel')
  const { outputFiles } = buildSync({ entryPoints: ['runtimes/browser/edge-client.ts'], bundle: true, format: 'esm', write: false, logLevel: 'silent' })
  await page.goto(await serveFiles(t, { '/': '<!doctype html><p></p>', '/edge-client.js': outputFiles[0].text }))
  const options = { productId: PRODUCT, deviceId: DEVICE, sct: 'sct', signalingServerUrl: service.url.replace('http', 'ws') }
  const found = await page.evaluate(async ({ options, password, fingerprint }) => {
    const path = '/edge-client.js'
    const { CoapContentFormat, CoapMethod, createEdgeWebrtcConnection } = await import(path) as EdgeClientModule
    const connection = createEdgeWebrtcConnection()
    connection.setConnectionOptions(options)
    const refused: unknown[] = []
    const shown: unknown[] = []
    connection.onTrackError((...told) => { refused.push(told) })
    connection.onTrack((_event, trackId, error) => { shown.push([trackId, error]) })
    await connection.connect()
    await connection.validateFingerprint(fingerprint)
    await connection.passwordAuthenticate('maria', password)
    const [track] = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()
    await connection.addTrack(track, 'speaker')
    for (const end = Date.now() + 15_000; refused.length === 0 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 50))
    await connection.coapInvoke(CoapMethod.POST, '/webrtc/tracks', CoapContentFormat.APPLICATION_JSON, JSON.stringify({ tracks: ['frontdoor-video'] }))
    for (const end = Date.now() + 15_000; shown.length === 0 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 50))
    await connection.close()
    return { refused, shown }
  }, { options, password, fingerprint })
  // The scene's device has no use for tracks of clients. It says so again with the description of its own track.
  t.strictSame(found.refused, [['speaker', 'UNKNOWN_ERROR']], 'told once, with the reason')
  t.strictSame(found.shown, [['frontdoor-video', undefined]], 'and the session goes on')
})
