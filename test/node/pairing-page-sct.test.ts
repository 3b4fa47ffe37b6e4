// The page where the product of the camera asks for a server connect token: pairing by the link that carries one, and coming back.
import { join } from 'node:path'
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { launchChromium } from './support/chromium.ts'
import { runCli, temporaryFolder } from './support/cli.ts'
import { seePicture, startDemo, stateOf, untilState } from './support/viewer-page.ts'

void tap.test('pair and come back by a server connect token', { skip: skipWithout('chromium'), timeout: 120_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const { ready } = await startDemo(t, folder)
  const closed = await runCli(t, ['product', '--endpoint', ready.endpoint, '--product', ready.productId, '--admin-token-file', join(folder, 'admin-token'), '--open', 'no', '--sct', 'yes'])
  t.equal(closed.code, 0, closed.err)
  const browser = await launchChromium(t)
  const page = await (await browser.newContext()).newPage()
  await page.goto(ready.url)
  await untilState(page, 'question', 'pair')
  await page.click('#pair-button')
  await seePicture(page)
  t.match(new URL(page.url()).hash, /^#fp=[0-9a-f]{64}$/, 'no token in the address')
  await page.reload()
  await seePicture(page)
  t.equal(await stateOf(page, 'user'), 'admin', 'what this browser kept lets it through')

  const stranger = await (await browser.newContext()).newPage()
  await stranger.goto(page.url())
  await untilState(stranger, 'failure', 'TOKEN_NEEDED')
})
