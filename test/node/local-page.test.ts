// The page as a camera serves it by plain HTTP under a name of its network, where browsers have no crypto.subtle.
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { launchChromium, watchPage } from './support/chromium.ts'
import { runCli, type Running, startCli, temporaryFolder } from './support/cli.ts'
import { hasStream, seePicture, stateOf, untilSaid, untilState } from './support/viewer-page.ts'

tap.setTimeout(300_000)

const ids = ['--product', 'wp-showroom', '--device', 'wd-hall']

async function startCamera(t: Test, extra: string[] = []): Promise<{ camera: Running; port: string; name: string; link: string }> {
  const folder = temporaryFolder(t)
  const keyFile = join(folder, 'key.pem')
  await runCli(t, ['keygen', '--out', keyFile])
  const camera = startCli(t, ['camera', '--local', '127.0.0.1:0', ...ids, '--key', keyFile, '--data', join(folder, 'camera'), '--loopback', '--json', ...extra])
  const { url, announcedUrl } = await camera.event(({ event }) => event === 'local')
  const { link } = await camera.event(({ event }) => event === 'pairing')
  return { camera, port: new URL(String(url)).port, name: new URL(String(announcedUrl)).hostname, link: String(link) }
}

void tap.test('the first in the network makes the camera theirs, without a code', { skip: skipWithout('chromium'), timeout: 140_000 }, async (t) => {
  const { camera, port, name, link } = await startCamera(t)
  const browser = await launchChromium(t, [`--host-resolver-rules=MAP ${name} 127.0.0.1`])
  const owner = await browser.newContext()
  const page = await owner.newPage()
  const { complaints, requests } = watchPage(page)
  await page.goto(`http://${name}:${port}/`)
  t.equal(new URL(page.url()).search, '?product=wp-showroom&device=wd-hall', '/ leads to the camera')
  t.same(await page.evaluate(() => [isSecureContext, typeof (globalThis.crypto as Partial<Crypto>).subtle]), [false, 'undefined'], 'no crypto of the browser\'s own')
  await untilState(page, 'question', 'pair-here')
  t.match(await page.textContent('#pair-title'), /no owner yet/)
  t.notOk(await page.isVisible('#pair-code'))
  t.notOk(await page.isVisible('#pair-user'))
  t.notOk(await hasStream(page))
  await page.click('#pair-button')
  await seePicture(page)
  t.same([await stateOf(page, 'user'), await stateOf(page, 'trust')], ['admin', 'verified'])
  t.match(new URL(page.url()).hash, /^#fp=[0-9a-f]{64}$/)
  await camera.event(({ event }) => event === 'paired')
  await page.reload()
  await seePicture(page)
  t.equal(await stateOf(page, 'user'), 'admin', 'the browser is known')
  await page.click('#settings > summary')
  await page.click('[name="localOpenPairing"]')
  await page.waitForFunction(() => document.querySelector('#pairing')?.ariaBusy !== 'true')

  const guest = await browser.newContext()
  const second = await guest.newPage()
  await second.goto(link)
  await untilState(second, 'question', 'pair')
  t.ok(second.url().includes('pwd='), 'the part after the # stays')
  await second.click('#pair-button')
  await untilSaid(second, '#pair-form .said', /used up/)
  await second.goto('about:blank')
  await second.goto(`http://${name}:${port}/`)
  await untilState(second, 'question', 'pair-here')
  t.match(await second.textContent('#pair-title'), /Join this camera/)
  await second.fill('#pair-user', 'maria')
  await second.fill('#pair-password', 'four green herons')
  await second.click('#pair-button')
  await seePicture(second)
  t.equal(await stateOf(second, 'user'), 'maria')
  t.same(complaints, [])
  t.ok(requests.every((url) => new URL(url).hostname === name), requests.filter((url) => new URL(url).hostname !== name).join(' '))
})

void tap.test('pages of other sites cannot reach the camera through a browser in its network', { skip: skipWithout('chromium'), timeout: 100_000 }, async (t) => {
  const { port } = await startCamera(t)
  const browser = await launchChromium(t, ['--host-resolver-rules=MAP evil.test 127.0.0.1, MAP rebound.test 127.0.0.1'])
  const page = await browser.newPage()
  const rebound = await page.goto(`http://rebound.test:${port}/`)
  t.equal(rebound?.status(), 403, 'a name that was let point here')
  // Any page of another origin will do: that of a second camera.
  const other = await startCamera(t)
  await page.goto(`http://127.0.0.1:${other.port}/icon.svg`)
  const reached = await page.evaluate(async (target) => {
    const body = JSON.stringify({ productId: 'wp-showroom', deviceId: 'wd-hall' })
    const asJson = await fetch(`http://127.0.0.1:${target}/v1/client/connect`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(({ status }) => status, () => 'refused')
    const socket = new WebSocket(`ws://127.0.0.1:${target}/v1/signaling`, 'json')
    const opened = await new Promise((resolve) => {
      socket.onopen = () => { resolve('open') }
      socket.onerror = () => { resolve('refused') }
    })
    return [asJson, opened]
  }, port)
  t.same(reached, ['refused', 'refused'])
})
