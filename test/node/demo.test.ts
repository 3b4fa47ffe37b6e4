// What a newcomer gets: `npm start`, and the page it names, in a real browser.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { launchChromium, watchPage } from './support/chromium.ts'
import { runCli, temporaryFolder } from './support/cli.ts'
import { startCuttingProxy } from './support/cutting-proxy.ts'
import { argumentsOf, childrenOf, isGone } from './support/processes.ts'
import { countFrames, frames, pairPage, startDemo, stateOf, untilFrames, untilSaid, untilState } from './support/viewer-page.ts'

tap.setTimeout(150_000)

/** Every state of one kind that the page goes through from now on. */
const recordStates = (page: Page, name: string): Promise<void> => page.evaluate((key) => {
  const log = ((window as unknown as Record<string, string[]>)[`${key}States`] = [document.body.dataset[key] ?? ''])
  new MutationObserver(() => {
    const state = document.body.dataset[key] ?? ''
    if (log.at(-1) !== state) log.push(state)
  }).observe(document.body, { attributes: true })
}, name)
const recordedStates = (page: Page, name: string): Promise<string[]> => page.evaluate((key) => (window as unknown as Record<string, string[]>)[`${key}States`], name)

/** Part of the pixels of two pictures of the video that differ clearly, 0 to 1. */
async function changedPixels(page: Page, first: Buffer, second: Buffer): Promise<number> {
  return page.evaluate(async (pictures) => {
    const [one, two] = await Promise.all(pictures.map(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
      context?.drawImage(bitmap, 0, 0)
      return context?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? new Uint8ClampedArray()
    }))
    let changed = 0
    for (let at = 0; at < one.length; at += 4) if (Math.abs(one[at] - two[at]) + Math.abs(one[at + 1] - two[at + 1]) > 24) changed++
    return changed / (one.length / 4)
  }, [first.toString('base64'), second.toString('base64')])
}

void tap.test('moving video in Chromium, which outlives a cut of the signaling', { skip: skipWithout('chromium'), timeout: 90_000 }, async (t) => {
  const { demo, ready, secret } = await startDemo(t, temporaryFolder(t))
  const proxy = await startCuttingProxy(t, Number(new URL(ready.url).port))
  const browser = await launchChromium(t)
  const page = await browser.newPage({ viewport: { width: 1100, height: 1040 } })
  const watched = watchPage(page)
  await pairPage(page, ready.url.replace(/:\d+\//, `:${proxy.port}/`))

  await untilState(page, 'picture', 'moving')
  await countFrames(page)
  const early = await page.locator('video').screenshot()
  await untilFrames(page, 20)
  const late = await page.locator('video').screenshot()
  t.ok(await page.evaluate(() => (document.querySelector('video')?.videoWidth ?? 0) >= 320), 'the video has a size')
  t.ok((await changedPixels(page, early, late)) > 0.002, 'the picture moves')
  t.match([await stateOf(page, 'signaling'), await stateOf(page, 'channel'), await stateOf(page, 'media')], ['CONNECTED', 'CONNECTED', 'connected'])
  await page.waitForFunction(() => /↔/.test(document.querySelector('#pair')?.textContent ?? ''))
  await page.waitForFunction(() => / ms$/.test(document.querySelector('#round-trip')?.textContent ?? ''))
  t.match(await page.locator('#picture-more').textContent(), /^(VP8|H264)/)
  t.match(await page.locator('#total').textContent(), /^\d+ ms$/, 'the time to the first picture')
  t.same(watched.complaints, [], 'nothing to complain about')

  await recordStates(page, 'signaling')
  await recordStates(page, 'media')
  proxy.cut(1200)
  await page.waitForFunction(() => document.body.dataset.signaling !== 'CONNECTED')
  const atCut = await frames(page)
  await untilFrames(page, atCut + 5)
  await untilState(page, 'signaling', 'CONNECTED')
  await untilFrames(page, (await frames(page)) + 20)
  t.match(await recordedStates(page, 'signaling'), ['CONNECTED', 'WAIT_RETRY'], 'the cut was felt')
  t.same(await recordedStates(page, 'media'), ['connected'], 'the media was not touched')
  t.equal(await stateOf(page, 'picture'), 'moving')

  t.ok(watched.requests.length > 3)
  for (const address of watched.requests.filter((url) => !url.includes('#'))) t.notOk(address.includes(secret), 'no request carries the secret')
  t.notOk(watched.requests.some((url) => new URL(url).hostname !== '127.0.0.1'), 'the page asks nobody else')
  await demo.interrupt()
})

void tap.test('the link of an earlier set-up, and links that are cut short', { skip: skipWithout('chromium'), timeout: 60_000 }, async (t) => {
  const { demo, ready, secret } = await startDemo(t, temporaryFolder(t))
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  const bare = `${ready.endpoint}/?product=${ready.productId}&device=${ready.deviceId}`
  const cases: [url: string, state: string, value: string, where: string, words: RegExp][] = [
    [ready.url.replace(/&fp=.*/, ''), 'failure', 'ERR_PAIRING_LINK', '#headline', /not whole/],
    [ready.url.slice(0, -1), 'failure', 'ERR_PAIRING_LINK', '#headline', /not whole/],
    [`${ready.endpoint}/`, 'question', 'find', '#find-title', /Which camera/],
    [bare, 'question', 'sign-in', '#sign-in-title', /Sign in/],
    [ready.url.replace(ready.deviceId, 'wd-aaaaaaaaaaaaaaaa'), 'failure', 'ERR_SIGNALING_DEVICE_ID_NOT_FOUND', '#headline', /does not know this camera/],
  ]
  for (const [url, state, value, where, words] of cases) {
    await page.goto('about:blank')
    await page.goto(url)
    await untilState(page, state, value)
    t.ok(await page.isVisible(where), `${value} is there to be seen`)
    t.match(await page.locator(where).textContent(), words)
    if (state === 'failure') t.equal(await stateOf(page, 'tone'), 'bad')
  }
  await page.goto('about:blank')
  await pairPage(page, ready.url.replace(secret, 'not-the-secret'))
  await untilSaid(page, '#pair-form .said', /used up.*reset the camera/)
  t.equal(await stateOf(page, 'question'), 'pair', 'and can be tried again')
  await demo.interrupt()
})

void tap.test('a second start keeps the identity; Ctrl-C leaves nothing behind', { timeout: 60_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const first = await startDemo(t, folder)
  t.equal(first.ready.isNew, true)
  for (const name of ['camera-key.pem', 'admin-token', 'camera.json', 'camera/iam_state.json']) t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, `${name} is for its owner alone`)
  const adminToken = readFileSync(join(folder, 'admin-token'), 'utf8').trim()
  const children = childrenOf(first.demo.pid)
  t.equal(children.length, 1, 'the camera is a process of its own')
  for (const pid of [first.demo.pid, ...children]) {
    const words = argumentsOf(pid)
    t.notOk(words.includes(first.secret) || words.includes(adminToken), 'no secret among the arguments')
  }
  const ended = await first.demo.interrupt()
  t.equal(ended.code, 0)
  t.ok(await isGone(children[0]), 'the camera is gone')
  t.notOk(`${ended.out}${ended.err}`.includes(adminToken), 'the admin token is not printed')

  const second = await startDemo(t, folder)
  t.equal(second.ready.isNew, false)
  const path = (url: string): string => url.slice(new URL(url).origin.length)
  t.equal(path(second.ready.url), path(first.ready.url), 'the same camera, the same password for whoever comes first')
  t.equal(second.ready.kid, first.ready.kid, 'the same key')
  t.equal((await second.demo.interrupt()).code, 0)
})

void tap.test('the demo and its camera do not outlive each other', { timeout: 60_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const first = await startDemo(t, folder)
  process.kill(childrenOf(first.demo.pid)[0], 'SIGKILL')
  const { code, err } = await first.demo.finished
  t.equal(code, 1, 'the demo does not go on without its camera')
  t.match(err, /ERR_DEMO_CAMERA/)

  const second = await startDemo(t, folder)
  const [camera] = childrenOf(second.demo.pid)
  process.kill(second.demo.pid, 'SIGKILL')
  t.ok(await isGone(camera), 'the camera does not go on without the demo')
})

void tap.test('a port that is taken', async (t) => {
  const { demo, ready } = await startDemo(t, temporaryFolder(t))
  const { code, err } = await runCli(t, ['demo', '--listen', new URL(ready.endpoint).host, '--data', temporaryFolder(t)])
  t.equal(code, 1)
  t.match(err, /ERR_ADDRESS_IN_USE.*\n.*--listen/)
  await demo.interrupt()
})
