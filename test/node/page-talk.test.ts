// Sound between Chromium and a camera by the page, both ways; and a track that the camera refuses, with its reason on the page.
import type { Page } from 'playwright-core'
import tap, { type Test } from 'tap'
import { addTrackEndpoints, createDeviceTracks, type DeviceTracksOptions } from '../../lib/device/index.ts'
import type { MediaPeerConnection, TrackError } from '../../lib/webrtc/index.ts'
import { createNodeHost, loadEngine } from '../../runtimes/node/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { deviceId, productId, setUpCamera } from './support/camera-set-up.ts'
import { launchChromium, watchPage } from './support/chromium.ts'
import { startGuardedCamera } from './support/guarded-camera.ts'
import { DEVICE, PRODUCT, serve } from './support/service.ts'
import { seePicture, signIn, stateOf, untilSaid, untilState } from './support/viewer-page.ts'

tap.setTimeout(175_000)

/** Chromium's own beeping microphone, and nobody who has to be asked for it. */
const microphone = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

interface Heard { packets: number; energy: number }

/** A page whose connection can be asked what it hears. */
async function openPage(t: Test, url: string): Promise<{ page: Page; heard: () => Promise<Heard>; complaints: string[] }> {
  const page = await (await launchChromium(t, microphone)).newPage()
  const { complaints } = watchPage(page)
  await page.addInitScript(() => {
    const Native = RTCPeerConnection
    window.RTCPeerConnection = class extends Native {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        Object.assign(window, { latest: this })
      }
    }
  })
  await page.goto(url)
  const heard = (): Promise<Heard> => page.evaluate(async () => {
    const sum = { packets: 0, energy: 0 }
    const reports = await (window as unknown as { latest: RTCPeerConnection }).latest.getStats()
    for (const report of reports.values() as Iterable<RTCInboundRtpStreamStats>) {
      if (report.type !== 'inbound-rtp' || report.kind !== 'audio') continue
      sum.packets += report.packetsReceived ?? 0
      sum.energy += report.totalAudioEnergy ?? 0
    }
    return sum
  })
  return { page, heard, complaints }
}

async function untilHeard(heard: () => Promise<Heard>, enough: (now: Heard) => boolean): Promise<Heard> {
  for (const end = Date.now() + 20_000; ;) {
    const now = await heard()
    if (enough(now)) return now
    if (Date.now() > end) throw new Error(`no more is heard than ${JSON.stringify(now)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

void tap.test('two-way sound with a camera of the command line', { skip: skipWithout('chromium') }, async (t) => {
  const { endpoint, secret, startCamera } = await setUpCamera(t)
  await startCamera()
  const { page, heard, complaints } = await openPage(t, `${endpoint}/?product=${productId}&device=${deviceId}#secret=${secret}`)
  await seePicture(page)
  await page.waitForSelector('#talk:not([hidden])')
  t.equal((await heard()).packets, 0)
  await page.click('#talk')
  await untilState(page, 'talk', 'on')
  // The camera says back what it hears: sound that is no silence has gone there and come here.
  const first = await untilHeard(heard, ({ packets, energy }) => packets > 100 && energy > 0)
  t.comment(`${first.packets} packets came back, energy ${first.energy}`)
  t.same(await page.evaluate(() => {
    const { srcObject, paused } = document.querySelector('#sound') as HTMLAudioElement
    return [(srcObject as MediaStream | null)?.getAudioTracks().length, paused]
  }), [1, false], 'and is played')
  t.equal(await stateOf(page, 'picture'), 'moving')
  await page.click('#talk')
  await untilState(page, 'talk', 'off')
  await new Promise((resolve) => setTimeout(resolve, 500))
  const quiet = await heard()
  await new Promise((resolve) => setTimeout(resolve, 1000))
  t.ok((await heard()).packets - quiet.packets < 10, 'who has stopped talking sends nothing')
  await page.click('#talk')
  await untilHeard(heard, ({ packets }) => packets > quiet.packets + 50)
  t.equal(await page.textContent('#refused'), '')
  t.same(complaints, [])
})

void tap.test('a refused track', { skip: skipWithout('chromium') }, async (t) => {
  const host = createNodeHost()
  const service = await serve(t, { pages: { dir: 'dist/viewer' } })
  let verdict: Exclude<TrackError, 'OK'> | undefined = 'ACCESS_DENIED'
  let heardThere = 0
  const camera = await startGuardedCamera(t, service, await loadEngine('node-datachannel', { loopbackOnly: true }), {
    more: ({ iam, router }) => {
      const options: DeviceTracksOptions<MediaPeerConnection> = {
        iam, host, sources: {}, defaults: { audioTrackId: 'speaker' },
        onTrack: () => verdict ?? ((track) => { track.onRtp = () => { heardThere++ } }),
      }
      const tracks = createDeviceTracks(options)
      addTrackEndpoints(router, tracks, options)
      return (session, connection) => { tracks.attach(session, connection) }
    },
  })
  const { page, complaints } = await openPage(t, `${service.url}/?product=${PRODUCT}&device=${DEVICE}`)
  const talk = async (): Promise<void> => {
    await signIn(page, 'maria', camera.password)
    await seePicture(page)
    await page.click('#talk')
  }
  const words: [Exclude<TrackError, 'OK'>, RegExp][] = [
    ['ACCESS_DENIED', /^Your sound does not reach the camera: your role on the camera does not allow it\.$/],
    ['UNKNOWN_TRACK_ID', /^Your sound does not reach the camera: the camera knows nothing of that name\.$/],
    ['INVALID_CODECS', /^Your sound does not reach the camera: the camera and this browser have no format for it in common\.$/],
    ['UNKNOWN_ERROR', /^Your sound does not reach the camera: the camera refused it and gave no reason\.$/],
  ]
  for (const [error, said] of words) {
    verdict = error
    await talk()
    await untilSaid(page, '#refused', said)
    await untilState(page, 'talk', 'off')
    t.ok(await page.isVisible('#refused'), error)
    t.notOk(await page.isVisible('#talk'), 'once more would be in vain')
    await seePicture(page)
    await page.reload()
  }
  t.equal(heardThere, 0, 'not a packet of what was refused')
  verdict = undefined
  await talk()
  for (let tries = 0; heardThere < 50 && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 50))
  t.ok(heardThere >= 50, 'what is taken flows')
  t.same([await stateOf(page, 'talk'), await page.textContent('#refused')], ['on', ''])
  t.same(complaints, [])
})
