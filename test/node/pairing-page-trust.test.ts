// What makes the page sure of the camera and the camera of the page, and what each does where that fails.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { deviceId, productId, setUpCamera } from './support/camera-set-up.ts'
import { launchChromium, watchPage } from './support/chromium.ts'
import { temporaryFolder } from './support/cli.ts'
import { hasStream, pairPage, seePicture, signIn, startDemo, stateOf, untilSaid, untilState } from './support/viewer-page.ts'

tap.setTimeout(200_000)

const password = 'four green herons'

void tap.test('a wrong fingerprint: nothing is shown, nothing is sent', { skip: skipWithout('chromium'), timeout: 60_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const { demo, ready } = await startDemo(t, folder)
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  await page.goto(ready.url.replace(/fp=.*/, `fp=${'ab'.repeat(32)}`))
  await untilState(page, 'failure', 'ERR_CHALLENGE_DEVICE')
  t.equal(await stateOf(page, 'tone'), 'bad')
  t.equal(await stateOf(page, 'trust'), 'alarm')
  t.match(await page.textContent('#headline'), /not the camera that the link is about/)
  t.match(await page.textContent('#advice'), /may be listening/)
  t.equal(await page.textContent('#badge-label'), 'Not verified')
  t.notOk(await page.isVisible('#pair-form'))
  t.notOk(await hasStream(page))
  await demo.interrupt()
  const audit = readFileSync(join(folder, 'camera', 'iam-audit.json'), 'utf8')
  t.match(audit, /"Webrtc:VideoStream","outcome":"refused"/, 'the camera has seen the visit')
  t.notMatch(audit, /authentication/, 'and no attempt to log in')
})

void tap.test('the code alone; then another camera in its place', { skip: skipWithout('chromium'), timeout: 90_000 }, async (t) => {
  const { demo, ready, secret } = await startDemo(t, temporaryFolder(t))
  const browser = await launchChromium(t)
  const context = await browser.newContext()
  const page = await context.newPage()
  const watched = watchPage(page)
  await page.goto(`${ready.endpoint}/`)
  await untilState(page, 'question', 'find')
  await page.fill('#find-product', ready.productId)
  await page.fill('#find-device', ready.deviceId)
  await page.click('#find-form .main')
  await untilState(page, 'question', 'sign-in')
  await page.click('#to-pair')
  await page.fill('#pair-code', 'abcd efgh ijkl')
  await page.click('#pair-button')
  await untilSaid(page, '#pair-form .said', /Compare the code/)
  await page.fill('#pair-code', secret.replace(/.{4}(?=.)/g, '$& '))
  await page.click('#pair-button')
  await seePicture(page)
  t.equal(await stateOf(page, 'trust'), 'verified', 'the code has told which camera it is')
  t.same(watched.complaints, [])
  t.notOk(watched.requests.some((url) => url.includes(secret)))

  // Somebody has swapped what the browser remembers, or the camera: it looks the same from here.
  await page.evaluate((key) => new Promise<void>((resolve) => {
    const open = indexedDB.open('lenskey', 1)
    open.onsuccess = () => {
      const write = open.result.transaction('cameras', 'readwrite')
      write.objectStore('cameras').put({ fingerprint: 'cd'.repeat(32) }, key)
      write.oncomplete = () => {
        open.result.close()
        resolve()
      }
    }
  }), `${ready.productId}/${ready.deviceId}`)
  await page.goto('about:blank')
  await page.goto(`${ready.endpoint}/?product=${ready.productId}&device=${ready.deviceId}`)
  await untilState(page, 'failure', 'PIN_CHANGED')
  t.match(await page.textContent('#headline'), /not the one that this browser knows/)
  t.match(await page.textContent('#advice'), /may be listening/)
  await page.click('#unpin')
  await untilState(page, 'question', 'sign-in')
  await demo.interrupt()
})

void tap.test('a browser that keeps nothing needs a password', { skip: skipWithout('chromium'), timeout: 60_000 }, async (t) => {
  const { demo, ready } = await startDemo(t, temporaryFolder(t))
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  await page.addInitScript(() => {
    Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('denied', 'SecurityError') } })
  })
  await page.goto(ready.url)
  await untilState(page, 'question', 'pair')
  t.ok(await page.evaluate(() => (document.querySelector('#pair-password') as HTMLInputElement).required))
  await pairPage(page, ready.url, password).catch(() => undefined)
  await seePicture(page)
  await page.reload()
  await signIn(page, 'admin', password)
  await seePicture(page)
  await demo.interrupt()
})

void tap.test('a key that comes to its end is replaced, and the old one taken off the camera', { skip: skipWithout('chromium'), timeout: 60_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const { demo, ready } = await startDemo(t, folder)
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  await page.addInitScript(() => {
    if (localStorage.getItem('second') !== null) return
    localStorage.setItem('second', 'yes')
    const make = RTCPeerConnection.generateCertificate.bind(RTCPeerConnection)
    const tenDaysMs = 10 * 24 * 3600_000
    RTCPeerConnection.generateCertificate = (algorithm) => make({ ...(algorithm as EcKeyGenParams), expires: tenDaysMs } as EcKeyGenParams)
  })
  const keys = (): string[] => [...readFileSync(join(folder, 'camera', 'iam_state.json'), 'utf8').matchAll(/"Fingerprint": ?"([0-9a-f]{64})"/g)].map(([, digits]) => digits)
  const untilKeys = async (fits: (now: string[]) => boolean): Promise<void> => {
    for (let tries = 0; tries < 200 && !fits(keys()); tries++) await new Promise((resolve) => setTimeout(resolve, 50))
    t.ok(fits(keys()), `${keys().length} keys`)
  }
  await pairPage(page, ready.url)
  await seePicture(page)
  await untilKeys(({ length }) => length >= 1)
  const [first] = keys()
  await page.reload()
  await seePicture(page)
  await untilKeys(({ length }) => length === 2)
  await page.reload()
  await seePicture(page)
  t.equal(await stateOf(page, 'user'), 'admin')
  await untilKeys((now) => now.length === 1 && now[0] !== first)
  await page.reload()
  await seePicture(page)
  t.equal(await stateOf(page, 'user'), 'admin', 'by the new key alone')
  await demo.interrupt()
})

void tap.test('a link with a shared secret works as before, and says what it proves', { skip: skipWithout('chromium'), timeout: 60_000 }, async (t) => {
  const { endpoint, secret, startCamera } = await setUpCamera(t)
  await startCamera()
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  const link = `${endpoint}/?product=${productId}&device=${deviceId}#secret=${secret}`
  await page.goto(link)
  await seePicture(page)
  t.equal(await stateOf(page, 'trust'), 'secret')
  t.match(await page.textContent('#badge-more'), /key was not checked/)
  await page.goto('about:blank')
  await page.goto(link.replace(secret, 'another'))
  await untilState(page, 'failure', 'VERIFICATION_ERROR')
  t.match(await page.textContent('#headline'), /different secrets/)
})
