// The viewer page and a rendezvous that lies, in real Chromium: no picture, no credential, and words that say why.
import type { Page } from 'playwright-core'
import tap from 'tap'
import { formatPairingLink } from '../../lib/client/index.ts'
import type { CoapResponse } from '../../lib/coap/index.ts'
import { createClipSource, loadEngine } from '../../runtimes/node/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { launchChromium } from './support/chromium.ts'
import { startClient, startGuardedCamera, watching } from './support/guarded-camera.ts'
import { type Answer, pathOf, startManInTheMiddle } from './support/hostile/man-in-the-middle.ts'
import { ANOTHER, changeDescriptions, FINGERPRINT, startMeddler } from './support/hostile/meddler.ts'
import { until } from './support/negotiating-pair.ts'
import { DEVICE, PRODUCT, serve } from './support/service.ts'
import { countFrames, frames, signIn, stateOf, untilSaid, untilState } from './support/viewer-page.ts'

tap.setTimeout(200_000)

const CHALLENGE = '/webrtc/challenge'
const passOn: Answer = (request, { forward }) => forward(request)
const challenged = (answer: Answer): Answer => (request, relayed, all) => (pathOf(request) === CHALLENGE ? answer : passOn)(request, relayed, all)

void tap.test('the page', { skip: skipWithout('chromium') }, async (t) => {
  const create = await loadEngine('node-datachannel', { loopbackOnly: true })
  // The page is ours, from wherever the person has it; only the service behind it lies.
  const pages = { dir: 'dist/viewer' }
  const service = await serve(t, { pages })
  const camera = await startGuardedCamera(t, service, create)
  const { fingerprint, password } = camera
  const honest = await watching(t, service.url, camera, create)
  const ofTheirs = createClipSource()
  t.teardown(() => { ofTheirs.close() })
  let answer = passOn
  let theirPicture = Promise.resolve()
  const middle = await startManInTheMiddle(t, service.url, create, async (...all) => {
    await theirPicture
    return answer(...all)
  }, { pages, video: ofTheirs })
  const browser = await launchChromium(t)
  // Whoever pairs uses up the password, which the honest viewer is logged in with.
  await camera.iam.users.create('otto', { role: 'Guest', password: 'another password' })
  const linkTo = (url: string): string => formatPairingLink({
    frontEnd: `${url}/#`, productId: PRODUCT, deviceId: DEVICE, username: 'otto', password: 'another password', serverConnectToken: '', fingerprint,
  })

  /** A page that counts every frame it ever shows. */
  async function open(link: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage()
    await page.addInitScript(() => {
      const Native = RTCPeerConnection
      window.RTCPeerConnection = class extends Native {
        constructor(configuration?: RTCConfiguration) {
          super(configuration)
          this.addEventListener('track', () => { document.body.dataset.track = 'came' })
        }
      }
    })
    await page.goto(link)
    await countFrames(page)
    return page
  }

  async function showsNothing(page: Page): Promise<void> {
    t.equal(await frames(page), 0, 'no frame was ever shown')
    t.equal(await page.evaluate(() => document.querySelector('video')?.srcObject ?? null), null)
    await page.context().close()
    t.equal(camera.showing(), 1, 'the camera shows its picture to the honest viewer alone')
    t.equal(honest.ended(), undefined)
  }

  const another = await serve(t)
  const other = await startGuardedCamera(t, another, create)
  const toOther = startClient(t, another.url, create)
  await toOther.client.ready()
  t.not(other.fingerprint, fingerprint)
  let kept: CoapResponse | undefined
  const replay = challenged(async (request, { forward }) => kept ??= await forward(request))
  const lies: [name: string, code: string, words: RegExp, does: Answer][] = [
    ['everything passed on', 'ERR_CHALLENGE_CLIENT_FINGERPRINT', /not connected to this page, but to somebody between/, replay],
    ['an earlier answer', 'ERR_CHALLENGE_NONCE', /replayed an old proof/, replay],
    ['no challenge', 'ERR_CHALLENGE_UNSUPPORTED', /does not prove who it is/, challenged(() => Promise.resolve({ code: '4.04' }))],
    ['another camera\'s answer', 'ERR_CHALLENGE_DEVICE', /not the camera that the link is about/,
      challenged(({ method, contentFormat, payload }) => toOther.client.coap(method, CHALLENGE, { contentFormat, payload }))],
  ]
  for (const [name, code, words, does] of lies) {
    answer = does
    middle.asked.length = 0
    let hasCome = (): void => undefined
    theirPicture = new Promise((resolve) => { hasCome = resolve })
    const page = await open(linkTo(middle.url))
    await untilState(page, 'track', 'came')
    hasCome()
    await untilState(page, 'failure', code)
    t.match(await page.textContent('#headline'), words, name)
    t.equal(await stateOf(page, 'trust'), 'alarm')
    t.equal(await page.textContent('#badge-label'), 'Not verified')
    t.notOk(await page.isVisible('#pair-form'), 'nothing is asked of the person')
    await new Promise((resolve) => setTimeout(resolve, 300))
    t.strictSame(middle.asked, [CHALLENGE], 'no credential went out')
    await showsNothing(page)
  }
  t.equal(camera.logins().length, 1, 'that of the honest viewer')

  answer = passOn
  const unsure = await open(`${middle.url}/?product=${PRODUCT}&device=${DEVICE}`)
  await signIn(unsure, 'maria', password)
  await untilSaid(unsure, '#sign-in-form .said', /no such user, or it is not this user's password/)
  t.match(camera.logins().at(-1), { user: 'maria', outcome: 'refused' }, 'the camera has noted a login that was passed on')
  t.equal(await stateOf(unsure, 'user'), '')
  await showsNothing(unsure)

  let lying = true
  const meddler = await startMeddler(t, service.url, changeDescriptions((sdp, towards) => (lying && towards === 'client' ? sdp.replace(FINGERPRINT, ANOTHER) : sdp)))
  const swapped = await open(linkTo(meddler))
  await untilState(swapped, 'failure', 'ERR_WEBRTC_HANDSHAKE')
  t.match(await swapped.textContent('#headline'), /could not be secured/)
  t.equal(await stateOf(swapped, 'trust'), 'alarm')
  await showsNothing(swapped)

  lying = false
  const later = await open(linkTo(meddler))
  await untilState(later, 'trust', 'verified')
  lying = true
  // With the user comes the picture, and with the picture another round of descriptions.
  await later.click('#pair-button')
  await untilState(later, 'failure', 'ERR_SDP_FINGERPRINT_CHANGED')
  t.match(await later.textContent('#headline'), /changed hands/)
  t.equal(await stateOf(later, 'trust'), 'alarm')
  await until(() => camera.camera.sessions.size === 1, 'the end of that session at the camera')
  await showsNothing(later)

  const seen = honest.frames()
  await until(() => honest.frames() > seen + 5, 'the picture of the honest viewer')
  t.equal((await honest.client.iam.me()).username, 'maria')
})

void tap.test('who is asked for a proof and says nothing', { skip: skipWithout('chromium'), timeout: 120_000 }, async (t) => {
  const create = await loadEngine('node-datachannel', { loopbackOnly: true })
  const pages = { dir: 'dist/viewer' }
  const service = await serve(t)
  const camera = await startGuardedCamera(t, service, create)
  const ofTheirs = createClipSource()
  t.teardown(() => { ofTheirs.close() })
  const middle = await startManInTheMiddle(t, service.url, create, challenged(() => new Promise(() => undefined)), { pages, video: ofTheirs, answerWithinMs: 30_000 })
  const browser = await launchChromium(t)
  const link = formatPairingLink({
    frontEnd: `${middle.url}/#`, productId: PRODUCT, deviceId: DEVICE, username: 'maria', password: camera.password, serverConnectToken: '', fingerprint: camera.fingerprint,
  })
  const open = async (script?: () => void): Promise<Page> => {
    const page = await (await browser.newContext()).newPage()
    if (script !== undefined) await page.addInitScript(script)
    await page.goto(link)
    await countFrames(page)
    return page
  }
  const silent = await open()
  // The same where not even the channel for requests comes up.
  const closed = await open(() => {
    const Native = RTCPeerConnection
    window.RTCPeerConnection = class extends Native {
      override createDataChannel(label: string): RTCDataChannel {
        const channel = super.createDataChannel(label)
        channel.addEventListener('open', (event) => { event.stopImmediatePropagation() })
        Object.defineProperty(channel, 'readyState', { value: 'connecting' })
        return channel
      }
    }
  })
  for (const page of [silent, closed]) {
    t.match(await page.textContent('#headline'), /Checking|Greeting|Finding|Connecting/)
    await page.waitForFunction(() => document.body.dataset.failure === 'CHALLENGE_SILENT', undefined, { timeout: 40_000 })
    t.match(await page.textContent('#headline'), /does not prove who it is/)
    t.match(await page.textContent('#advice'), /said nothing.*may be listening.*No picture was shown/)
    t.equal(await stateOf(page, 'trust'), 'alarm')
    t.equal(await page.textContent('#badge-label'), 'Not verified')
    t.equal(await frames(page), 0)
    t.notOk(await page.isVisible('#pair-form'))
  }
  const sessions = middle.relayed.length
  await new Promise((resolve) => setTimeout(resolve, 3000))
  t.equal(middle.relayed.length, sessions, 'nothing is tried again by itself')
  for (const page of [silent, closed]) t.equal(await stateOf(page, 'failure'), 'CHALLENGE_SILENT')
  t.strictSame(middle.asked, [CHALLENGE], 'no credential went out')
  t.strictSame(camera.logins(), [])
})
