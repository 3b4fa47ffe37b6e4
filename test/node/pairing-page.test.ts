// The page from the first link to the last: pairing, coming back, passwords, invitations, and the end of a user who is watching.
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { launchChromium, watchPage } from './support/chromium.ts'
import { temporaryFolder } from './support/cli.ts'
import { countFrames, frames, hasStream, keptCameras, lastFrameMs, seePicture, signIn, startDemo, stateOf, untilSaid, untilState } from './support/viewer-page.ts'

tap.setTimeout(200_000)

const password = 'four green herons'

void tap.test('pair, come back, sign in elsewhere, invite, remove', { skip: skipWithout('chromium'), timeout: 150_000 }, async (t) => {
  const { demo, ready, secret } = await startDemo(t, temporaryFolder(t))
  t.equal(ready.paired, false)
  const browser = await launchChromium(t)
  const owner = await browser.newContext()
  const page = await owner.newPage()
  const watched = [watchPage(page)]

  await page.goto(ready.url)
  await untilState(page, 'question', 'pair')
  t.match(await page.textContent('#pair-title'), /no owner yet/)
  t.equal(await stateOf(page, 'trust'), 'verified', 'the camera has proved itself before anything was asked')
  await new Promise((resolve) => setTimeout(resolve, 600))
  t.notOk(await hasStream(page), 'no picture before pairing')
  t.equal(demo.events().filter(({ event }) => event === 'viewers').length, 0, 'and the camera has sent none')
  t.match(await page.inputValue('#pair-name'), /^Chrome on/)
  await page.fill('#pair-name', 'desk')
  await page.fill('#pair-password', '12345678')
  await page.click('#pair-button')
  await seePicture(page)
  await untilSaid(page, '#own-password .said', /row of neighbours.*choose another/)
  t.ok(await page.isVisible('#own-new'), 'a weak password is refused where another can be chosen')
  await page.fill('#own-new', password)
  await page.click('#own-password button')
  await untilSaid(page, '#own-password .said', /^Set\./)
  t.notOk(page.url().includes(secret), 'no password in the address')
  t.match(new URL(page.url()).hash, /^#fp=[0-9a-f]{64}$/)
  t.strictSame(await keptCameras(owner), [`${ready.productId}/${ready.deviceId}`])
  await demo.event(({ event, from }) => event === 'paired' && from === 'camera')

  await page.reload()
  await seePicture(page)
  t.equal(await stateOf(page, 'user'), 'admin', 'the browser is known')
  await page.goBack().catch(() => null)
  t.notOk(page.url().includes(secret), 'nor in the history')
  await page.goto(ready.url.replace(/#.*/, `?product=${ready.productId}&device=${ready.deviceId}`))
  await seePicture(page)
  t.equal(await stateOf(page, 'trust'), 'verified', 'a link without a fingerprint, and still the key is known')

  const elsewhere = await browser.newContext()
  const second = await elsewhere.newPage()
  watched.push(watchPage(second))
  await second.goto(`${ready.endpoint}/?product=${ready.productId}&device=${ready.deviceId}`)
  await untilState(second, 'question', 'sign-in')
  t.equal(await stateOf(second, 'trust'), 'checking', 'it does not know yet which camera it is')
  await signIn(second, 'admin', 'three green herons')
  await untilSaid(second, '#sign-in-form .said', /no such user, or it is not this user's password/)
  const refusal = await second.textContent('#sign-in-form .said')
  await signIn(second, 'nobody', password)
  await second.waitForFunction(() => document.querySelector('#sign-in-form')?.ariaBusy === 'false')
  t.equal(await second.textContent('#sign-in-form .said'), refusal, 'the same words for an unknown user')
  t.notOk(await hasStream(second))
  await signIn(second, 'admin', password)
  await seePicture(second)
  t.equal(await stateOf(second, 'trust'), 'verified', 'the login has found out which camera it is')

  await second.click('#people > summary')
  await second.fill('#invite-name', 'maria')
  await second.selectOption('#invite-role', 'Guest')
  await second.click('#invite button')
  await second.waitForSelector('#invitation svg')
  const invitation = await second.inputValue('#invitation-link')
  t.match(invitation, /^http:\/\/127\.0\.0\.1:\d+\/#p=.*&u=maria&pwd=.*&fp=/)

  const guest = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const third = await guest.newPage()
  watched.push(watchPage(third))
  await third.goto(invitation)
  await untilState(third, 'question', 'pair')
  t.match(await third.textContent('#pair-title'), /You are invited/)
  await third.click('#pair-button')
  await seePicture(third)
  t.equal(await stateOf(third, 'user'), 'maria')
  t.notOk(await third.isVisible('#people'), 'a guest does not see who else there is')
  t.notOk(await third.isVisible('#settings'))
  t.notOk(await third.evaluate(() => document.documentElement.scrollWidth > innerWidth), 'nothing sticks out on a phone')
  await third.reload()
  await seePicture(third)

  await second.evaluate(() => dispatchEvent(new Event('focus')))
  await second.waitForSelector('[data-user="maria"] .key')
  await second.selectOption('[data-user="maria"] select', 'Standard')
  await second.waitForFunction(() => document.querySelector('#people')?.ariaBusy === 'false')
  t.notOk(await stateOf(third, 'removed') === 'true', 'another role that may see the picture changes nothing')
  const remove = second.locator('[data-remove="maria"]')
  await remove.click()
  t.match(await remove.textContent(), /Really remove maria/)
  await countFrames(third)
  const removedMs = await remove.evaluate((button) => {
    const now = Date.now()
    ;(button as HTMLButtonElement).click()
    return now
  })
  await untilState(third, 'removed', 'true')
  t.match(await third.textContent('#headline'), /Your access was taken away/)
  t.notOk(await hasStream(third), 'not even the last frame stays')
  const seen = await frames(third)
  await new Promise((resolve) => setTimeout(resolve, 1000))
  t.equal(await frames(third), seen, 'no frame comes any more')
  const lateMs = (await lastFrameMs(third)) - removedMs
  t.ok(lateMs < 1000, `the last frame was shown ${lateMs} ms after the removal`)
  await third.click('#again')
  await untilState(third, 'question', 'sign-in')

  await second.click('#account > summary')
  await second.click('#remember')
  await untilSaid(second, '#account-how', /knows this browser by a key/)
  await second.reload()
  await seePicture(second)
  await second.click('#account > summary')
  await second.click('#forget')
  await second.click('#forget')
  await untilState(second, 'question', 'sign-in')
  t.strictSame(await keptCameras(elsewhere), [])

  await signIn(second, 'admin', password)
  await seePicture(second)
  await second.click('#account > summary')
  await second.click('#sign-out')
  await untilState(second, 'question', 'sign-in')
  t.notOk(await hasStream(second), 'signed out')

  for (const { complaints, requests } of watched) {
    t.same(complaints, [], 'nothing to complain about')
    t.notOk(requests.some((url) => new URL(url).hostname !== '127.0.0.1'), 'the page asks nobody else')
    for (const word of [secret, password.split(' ')[2], new URLSearchParams(new URL(invitation).hash).get('pwd') ?? '?']) {
      t.notOk(requests.some((url) => url.split('#')[0].includes(word)), 'no request carries a secret')
    }
  }
  await demo.interrupt()
})
