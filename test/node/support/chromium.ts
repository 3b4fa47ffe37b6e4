import { type Browser, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { locate } from '../../../tools/requirements.mjs'

const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--allow-loopback-in-peer-connection', '--disable-features=WebRtcHideLocalIpsWithMdns',
]

/** Debian's Chromium, without a screen and without a word to the outside; gone with the test. */
export async function launchChromium(t: Test, more: string[] = []): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: locate('chromium'), args: [...args, ...more] })
  t.teardown(() => browser.close())
  return browser
}

/** What a page complains about, and every address it asks for. */
export function watchPage(page: Page): { complaints: string[]; requests: string[] } {
  const watched: { complaints: string[]; requests: string[] } = { complaints: [], requests: [] }
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') watched.complaints.push(message.text())
  })
  page.on('pageerror', (error) => watched.complaints.push(error.message))
  page.on('request', (request) => watched.requests.push(request.url()))
  page.on('websocket', (socket) => watched.requests.push(socket.url()))
  return watched
}
