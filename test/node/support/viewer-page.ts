import type { BrowserContext, Page } from 'playwright-core'
import type { Test } from 'tap'
import { type Running, startCli } from './cli.ts'

/** What `lenskey demo --json` says when it is ready. */
export interface Ready {
  url: string
  endpoint: string
  productId: string
  deviceId: string
  kid: string
  isNew: boolean
  paired: boolean
}

/** @returns also the password in the pairing link, empty when there is none */
export async function startDemo(t: Test, folder: string, extra: string[] = []): Promise<{ demo: Running; ready: Ready; secret: string }> {
  const demo = startCli(t, ['demo', '--listen', '127.0.0.1:0', '--data', folder, '--loopback', '--json', ...extra])
  const ready = (await demo.event(({ event }) => event === 'ready')) as unknown as Ready
  return { demo, ready, secret: new URLSearchParams(new URL(ready.url).hash.slice(1)).get('pwd') ?? '' }
}

/** The page's own words for its states; it keeps them up to date as they change. */
export const stateOf = (page: Page, name: string): Promise<string | undefined> => page.evaluate((key) => document.body.dataset[key], name)

export const untilState = async (page: Page, name: string, value: string): Promise<void> => {
  try {
    await page.waitForFunction(([key, wanted]) => document.body.dataset[key] === wanted, [name, value], { timeout: 15_000 })
  } catch (thrown) {
    const state = await page.evaluate(() => JSON.stringify({ ...Object.fromEntries(Object.entries(document.body.dataset)), headline: document.querySelector('#headline')?.textContent })).catch(() => 'gone')
    throw new Error(`the page does not come to ${name} ${value}: ${state}`, { cause: thrown })
  }
}

/** Whether anything has been given to the video element to show. */
export const hasStream = (page: Page): Promise<boolean> => page.evaluate(() => document.querySelector('video')?.srcObject !== null)

interface Frames {
  frames: number
  lastFrameMs: number
}

/** Frames presented from now on, counted by the browser itself. */
export const countFrames = (page: Page): Promise<void> => page.evaluate(() => {
  const video = document.querySelector('video')
  const counter = window as unknown as Frames
  counter.frames = 0
  const next = (): void => {
    video?.requestVideoFrameCallback(() => {
      counter.frames++
      counter.lastFrameMs = Date.now()
      next()
    })
  }
  next()
})
export const frames = (page: Page): Promise<number> => page.evaluate(() => (window as unknown as Frames).frames)
/** When the last of them was presented, in milliseconds since 1970. */
export const lastFrameMs = (page: Page): Promise<number> => page.evaluate(() => (window as unknown as Frames).lastFrameMs)

export const untilFrames = async (page: Page, count: number): Promise<void> => {
  await page.waitForFunction((wanted) => (window as unknown as Frames).frames >= wanted, count, { timeout: 15_000 })
}

/** Moving, and by the browser's own count. */
export async function seePicture(page: Page): Promise<void> {
  await untilState(page, 'picture', 'moving')
  await countFrames(page)
  await untilFrames(page, 10)
}

/** Opens a pairing link and takes it up. */
export async function pairPage(page: Page, link: string, password = ''): Promise<void> {
  await page.goto(link)
  await untilState(page, 'question', 'pair')
  if (password !== '') await page.fill('#pair-password', password)
  await page.click('#pair-button')
}

export async function signIn(page: Page, username: string, password: string): Promise<void> {
  await untilState(page, 'question', 'sign-in')
  await page.fill('#sign-in-user', username)
  await page.fill('#sign-in-password', password)
  await page.click('#sign-in-form .main')
}

/** Resolves when the element has words that fit. */
export async function untilSaid(page: Page, selector: string, words: RegExp): Promise<void> {
  try {
    await page.waitForFunction(([where, source]) => new RegExp(source).test(document.querySelector(where)?.textContent ?? ''), [selector, words.source], { timeout: 15_000 })
  } catch (thrown) {
    throw new Error(`${selector} does not say ${String(words)} but ${await page.textContent(selector).catch(() => 'nothing')}`, { cause: thrown })
  }
}

/** What the browser keeps of cameras: keys of its store. */
export const keptCameras = (context: BrowserContext): Promise<string[]> => context.pages()[0].evaluate(() => new Promise((resolve, reject) => {
  const open = indexedDB.open('lenskey', 1)
  open.onerror = () => { reject(new Error('no store')) }
  open.onsuccess = () => {
    const request = open.result.transaction('cameras').objectStore('cameras').getAllKeys()
    request.onsuccess = () => { resolve(request.result.map(String)) }
  }
}))
