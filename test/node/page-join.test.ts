// Ways through a service that lets nobody pass without a token, and to the camera behind it, by the page in Chromium.
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { pasteToken, setJoinScene } from './support/join-scene.ts'
import { hasStream, pairPage, seePicture, signIn, stateOf, untilSaid, untilState } from './support/viewer-page.ts'

tap.setTimeout(180_000)

const password = 'four green herons'

void tap.test('the page joins', { skip: skipWithout('chromium') }, async (t) => {
  const { address, sharedSecret, pairingLink, connectToken, fingerprint, accessToken, forCamera, forService, visit, newContext, part, conclude } = await setJoinScene(t)

  await part('by no token, a wrong one, and at last a token of the issuer that is pasted', async (t) => {
    const page = await visit(address)
    await untilState(page, 'failure', 'TOKEN_NEEDED')
    t.equal(await stateOf(page, 'question'), 'token')
    t.match(await page.textContent('#headline'), /wants a token/)
    await pasteToken(page, 'Ärger')
    await untilSaid(page, '#token-form .said', /This is no token/)
    await pasteToken(page, 'abcdefghijkl')
    await untilState(page, 'failure', 'TOKEN_REFUSED')
    t.match(await page.textContent('#headline'), /does not take this token/)
    await pasteToken(page, await forService('wd-another'))
    await untilState(page, 'failure', 'TOKEN_FORBIDDEN')
    t.match(await page.textContent('#headline'), /not for this camera/)
    await pasteToken(page, await forCamera({ device: 'wd-another' }))
    await untilSaid(page, '#token-form .said', /for another camera.*was not sent/)
    t.notOk(await hasStream(page))
    await pasteToken(page, await forService())
    await seePicture(page)
    t.equal(await stateOf(page, 'trust'), 'none')
    t.equal(page.url(), address)
    await page.reload()
    await seePicture(page)
  })

  await part('by a token of the issuer in the fragment, which does not stay there', async (t) => {
    const token = await forService()
    const page = await visit(`${address}#jwt=${token}&fp=${fingerprint}`)
    await seePicture(page)
    t.equal(await stateOf(page, 'trust'), 'verified')
    t.equal(page.url(), `${address}#fp=${fingerprint}`)
  })

  await part('by a client access token', async (t) => {
    const page = await visit(`${address}#token=${accessToken}`)
    await seePicture(page)
    t.equal(page.url(), address)
  })

  await part('by a server connect token and the shared secret', async (t) => {
    const page = await visit(`${address}#secret=${sharedSecret}&sct=${connectToken}`)
    await seePicture(page)
    t.same([await stateOf(page, 'trust'), await stateOf(page, 'user')], ['secret', 'default'])
    t.equal(page.url(), `${address}#secret=${sharedSecret}`)
  })

  await part('by a pairing link with its server connect token, and again from a new tab', async (t) => {
    const context = await newContext()
    const page = await visit('about:blank', context)
    await pairPage(page, pairingLink, password)
    await seePicture(page)
    t.equal(page.url(), `${address}#fp=${fingerprint}`)
    await page.close()
    const again = await visit(address, context)
    await seePicture(again)
    t.same([await stateOf(again, 'trust'), await stateOf(again, 'user')], ['verified', 'admin'])
  })

  await part('by a server connect token and a password', async (t) => {
    const page = await visit(`${address}#sct=${connectToken}`)
    await signIn(page, 'admin', password)
    await seePicture(page)
    t.same([await stateOf(page, 'trust'), await stateOf(page, 'user')], ['verified', 'admin'])
  })

  conclude()
})
