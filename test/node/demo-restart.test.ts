// The rendezvous is restarted under a running picture, in a real browser.
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { deviceId, productId, setUpCamera } from './support/camera-set-up.ts'
import { launchChromium } from './support/chromium.ts'
import { startCli } from './support/cli.ts'

tap.setTimeout(150_000)

void tap.test('the picture goes on while the rendezvous restarts', { skip: skipWithout('chromium'), timeout: 90_000 }, async (t) => {
  const { service, endpoint, dataFolder, secret, startCamera } = await setUpCamera(t)
  const camera = await startCamera()
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  await page.goto(`${endpoint}/?product=${productId}&device=${deviceId}#secret=${secret}`)
  await page.waitForFunction(() => document.body.dataset.picture === 'moving')
  const framesNow = (): Promise<number> => page.evaluate(() => document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0)

  t.equal((await service.interrupt()).code, 0)
  await page.waitForFunction(() => document.body.dataset.signaling !== 'CONNECTED')
  const whileDown = await framesNow()
  await page.waitForFunction((count) => (document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > count + 15, whileDown)
  t.match(await page.locator('#advice').textContent(), /Reconnecting in the background/)

  const seats = (): number => camera.events().filter(({ event, state }) => event === 'signaling' && state === 'CONNECTED').length
  const again = startCli(t, ['serve', '--listen', new URL(endpoint).host, '--data', dataFolder, '--json'])
  await again.event(({ event }) => event === 'serving')
  await page.waitForFunction(() => document.body.dataset.signaling === 'CONNECTED', undefined, { timeout: 40_000 })
  for (let tries = 0; tries < 400 && seats() < 2; tries++) await new Promise((resolve) => setTimeout(resolve, 100))
  t.equal(seats(), 2, 'the camera took its seat again')
  const whenBack = await framesNow()
  await page.waitForFunction((count) => (document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > count + 15, whenBack)
  t.equal(await page.evaluate(() => document.body.dataset.media), 'connected')
  t.equal(camera.events().filter(({ event }) => event === 'viewers').length, 1, 'it is the same session')
})

void tap.test('a camera that restarts is seen again without a hand on the page', { skip: skipWithout('chromium'), timeout: 90_000 }, async (t) => {
  const { endpoint, secret, startCamera } = await setUpCamera(t)
  const first = await startCamera()
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  await page.goto(`${endpoint}/?product=${productId}&device=${deviceId}#secret=${secret}`)
  await page.waitForFunction(() => document.body.dataset.picture === 'moving')
  await first.interrupt()
  await page.waitForFunction(() => document.body.dataset.picture !== 'moving')
  await startCamera()
  await page.waitForFunction(() => document.body.dataset.picture === 'moving', undefined, { timeout: 30_000 })
  t.equal(await page.evaluate(() => document.body.dataset.tone), 'good')
})
