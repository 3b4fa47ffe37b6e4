// Joining a camera by an OAuth token for it, by the page in Chromium: what opens, what does not and why, and what happens at its end.
import type { Page } from 'playwright-core'
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { pasteToken, setJoinScene } from './support/join-scene.ts'
import { hasStream, seePicture, stateOf, untilSaid, untilState } from './support/viewer-page.ts'

tap.setTimeout(180_000)

void tap.test('the page joins', { skip: skipWithout('chromium') }, async (t) => {
  const { address, connectToken, fingerprint, forCamera, forService, visit, part, conclude } = await setJoinScene(t)

  await part('by an OAuth token', async (t) => {
    const token = await forCamera()
    const page = await visit(`${address}#sct=${connectToken}&oauth=${token}&fp=${fingerprint}`)
    await seePicture(page)
    t.equal(await stateOf(page, 'trust'), 'verified')
    t.equal(page.url(), `${address}#fp=${fingerprint}`)
  })

  await part('OAuth tokens that open nothing, each in plain words', async (t) => {
    const page = await visit(`${address}#sct=${connectToken}&oauth=${await forCamera({ roles: ['cook'] })}&fp=${fingerprint}`)
    await untilState(page, 'question', 'token')
    await untilSaid(page, '#token-form .said', /knows nobody by this token/)
    await pasteToken(page, await forCamera({ seconds: -3600 }))
    await untilSaid(page, '#token-form .said', /does not take this token/)
    await pasteToken(page, await forCamera({ device: 'wd-another' }))
    await untilSaid(page, '#token-form .said', /for another camera.*was not sent/)
    t.notOk(await hasStream(page))
    await pasteToken(page, await forCamera())
    await seePicture(page)

    const unsure = await visit(`${address}#sct=${connectToken}`)
    await untilState(unsure, 'question', 'sign-in')
    await unsure.click('#to-token')
    await pasteToken(unsure, await forCamera())
    await untilSaid(unsure, '#token-form .said', /nobody has proved to be it.*was not sent/)
    t.notOk(await hasStream(unsure))
  })

  await part('an OAuth token that runs out: asked for in time, and the picture goes and comes with it', async (t) => {
    // The camera grants a minute over the end, of which ten seconds are left.
    const page = await visit(`${address}#sct=${connectToken}&oauth=${await forCamera({ seconds: -48 })}&fp=${fingerprint}`)
    await seePicture(page)
    await page.waitForSelector('#renewal:not([hidden])', { timeout: 10_000 })
    await page.fill('#renewal-token', await forCamera({ roles: ['cook'] }))
    await page.click('#renewal button')
    await untilSaid(page, '#renewal .said', /knows nobody by this token/)
    await untilSaid(page, '#headline', /token has run out/)
    t.equal(await stateOf(page, 'tone'), 'bad')
    await page.fill('#renewal-token', await forCamera())
    await page.click('#renewal button')
    await seePicture(page)
    t.notOk(await page.isVisible('#renewal'))
  })

  await part('signing out', async (t) => {
    const untilOut = async (page: Page, question: string): Promise<void> => {
      await untilState(page, 'question', question)
      t.same([await stateOf(page, 'user'), await hasStream(page), await page.isVisible('#account'), await page.isVisible('#renewal')], ['', false, false, false])
    }
    const kept = (page: Page): Promise<string[]> => page.evaluate(() => [sessionStorage, localStorage].flatMap((storage) => Object.values<string>(storage)))

    const page = await visit(`${address}#sct=${connectToken}&oauth=${await forCamera()}&fp=${fingerprint}`)
    await seePicture(page)
    await page.click('#account > summary')
    t.match(await page.textContent('#account-how'), /signed in with a token/)
    t.same(await Promise.all(['#remember', '#forget', '#own-password'].map((part) => page.isVisible(part))), [false, false, false], 'nobody\'s, as a role alone is')
    await page.click('#sign-out')
    await untilOut(page, 'sign-in')
    t.equal(page.url(), `${address}#fp=${fingerprint}`)
    t.same(await kept(page), [connectToken], 'which says nobody')
    await page.reload()
    await untilOut(page, 'sign-in')
    await page.click('#to-token')
    // Of which the camera grants the last ten seconds.
    await pasteToken(page, await forCamera({ seconds: -48 }))
    await seePicture(page)
    await page.waitForSelector('#renewal:not([hidden])', { timeout: 10_000 })
    await page.fill('#renewal-token', await forCamera())
    await page.click('#account > summary')
    await page.click('#sign-out')
    await untilOut(page, 'sign-in')
    t.equal(await page.inputValue('#renewal-token'), '')
    await page.click('#to-token')
    await pasteToken(page, await forCamera())
    await seePicture(page)

    const vouchedFor = await visit(`${address}#jwt=${await forService()}&oauth=${await forCamera()}&fp=${fingerprint}`)
    await seePicture(vouchedFor)
    await vouchedFor.click('#account > summary')
    await vouchedFor.click('#sign-out')
    await untilOut(vouchedFor, 'token')
    t.same(await kept(vouchedFor), [], 'the camera would show the picture to its bearer, too')
    await vouchedFor.reload()
    await untilOut(vouchedFor, 'token')
  })

  conclude()
})
