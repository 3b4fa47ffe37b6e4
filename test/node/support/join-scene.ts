import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { BrowserContext, Page } from 'playwright-core'
import type { Test } from 'tap'
import { deviceAudience } from '../../../lib/access/device-audience.ts'
import { parsePairingLink } from '../../../lib/client/index.ts'
import { deviceId, productId, setUpCamera } from './camera-set-up.ts'
import { launchChromium, watchPage } from './chromium.ts'
import { runCli, temporaryFolder } from './cli.ts'
import { clientClaims, makeKey, request } from './service.ts'

const ISSUER = 'https://id.test'
const AUDIENCE = 'https://cams.test'

type Sign = (claims: Record<string, unknown>, seconds?: number) => Promise<string>

/** An issuer with its key set. */
async function startIssuer(t: Test): Promise<{ jwks: string; sign: Sign }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const keys = JSON.stringify({ keys: [{ ...await exportJWK(publicKey), kid: 'k', alg: 'ES256' }] })
  const server = createServer((_request, response) => void response.setHeader('content-type', 'application/json').end(keys))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  return {
    jwks: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    sign: (claims, seconds = 600) => new SignJWT({ sub: 'ada', ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k' }).setIssuer(ISSUER)
      .setIssuedAt().setExpirationTime(Math.floor(Date.now() / 1000) + seconds).sign(privateKey),
  }
}


/** A service that lets nobody through without a token, a camera that trusts the issuer, and people with browsers. */
export interface JoinScene {
  /** Of the page, with the camera in it and no secret. */
  address: string
  sharedSecret: string
  /** With a server connect token in it. */
  pairingLink: string
  connectToken: string
  fingerprint: string
  /** Client access token by a key of the product. */
  accessToken: string
  /** OAuth token for the camera, or for another. */
  forCamera: (changes?: { roles?: string[]; seconds?: number; device?: string }) => Promise<string>
  /** Token of the issuer for the service, which leads to the camera or to another. */
  forService: (device?: string) => Promise<string>
  /** Opens a page for a person who has not been here. */
  visit: (url: string, context?: BrowserContext) => Promise<Page>
  newContext: () => Promise<BrowserContext>
  /** A part of the test; its pages go with it. */
  part: (name: string, work: (t: Test) => Promise<void>) => Promise<void>
  /** To be called when all is done: nothing secret was in an address that a page asked for, and no page complained. */
  conclude: () => void
}

/** Pastes a token where the page asks for one. */
export async function pasteToken(page: Page, token: string): Promise<void> {
  await page.fill('#token', token)
  await page.click('#token-form .main')
}

export async function setJoinScene(t: Test): Promise<JoinScene> {
  const { endpoint, dataFolder, secret: sharedSecret, startCamera } = await setUpCamera(t)
  const { jwks, sign } = await startIssuer(t)
  const adminTokenFile = join(dataFolder, 'admin-token')
  const rules = ['--open', 'no', '--sct', 'yes', '--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE, '--jwt-keys', jwks, '--jwt-claim', 'devices']
  const set = await runCli(t, ['product', '--endpoint', endpoint, '--product', productId, '--admin-token-file', adminTokenFile, ...rules])
  t.equal(set.code, 0, set.err)
  const key = makeKey()
  const adminToken = readFileSync(adminTokenFile, 'utf8').trim()
  t.match(await request(`${endpoint}/admin/v1/products/${productId}/keys`, 'POST', { token: adminToken, body: { publicKey: key.publicPem } }), { status: 201 })
  const camera = await startCamera([
    '--data', join(temporaryFolder(t), 'camera'), '--authorized-role', 'Guest', '--oauth-issuer', ISSUER, '--oauth-jwks', jwks, '--oauth-role', 'watcher=Guest',
  ], sharedSecret)
  const pairingLink = String((await camera.event(({ event }) => event === 'pairing')).link)
  const { serverConnectToken: connectToken = '', fingerprint } = parsePairingLink(pairingLink)
  const accessToken = await key.sign(clientClaims(), { kid: key.productKid })
  const secrets = [connectToken, accessToken, sharedSecret]
  const secretly = async (making: Promise<string>): Promise<string> => {
    const token = await making
    secrets.push(token)
    return token
  }
  const browser = await launchChromium(t)
  const asked: string[] = []
  const complaints: string[] = []
  return {
    address: `${endpoint}/?product=${productId}&device=${deviceId}`,
    sharedSecret, pairingLink, connectToken, fingerprint, accessToken,
    forCamera: ({ roles = ['watcher'], seconds, device = deviceId } = {}) => secretly(sign({ aud: deviceAudience({ productId, deviceId: device }), roles }, seconds)),
    forService: (device = deviceId) => secretly(sign({ aud: AUDIENCE, devices: `x.y ${productId}.${device}` })),
    newContext: () => browser.newContext(),
    async visit(url, context) {
      const page = await (context ?? await browser.newContext()).newPage()
      const watched = watchPage(page)
      page.on('close', () => {
        asked.push(...watched.requests)
        complaints.push(...watched.complaints)
      })
      await page.goto(url)
      return page
    },
    async part(name, work) {
      await t.test(name, work)
      for (const context of browser.contexts()) await context.close()
    },
    conclude() {
      t.ok(asked.length > 20, `${asked.length} addresses were asked for`)
      for (const [at, secret] of secrets.entries()) t.notOk(asked.some((url) => url.includes(secret)), `secret ${at} in none of them`)
      t.same(complaints.filter((text) => !/status of 40[13]/.test(text)), [])
    },
  }
}
