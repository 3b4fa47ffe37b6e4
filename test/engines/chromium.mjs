// A bare bundle in a page of Chromium.
import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { locate } from '../../tools/requirements.mjs'

const [bundle] = process.argv.slice(2)
const browser = await chromium.launch({ executablePath: locate('chromium'), args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'] })
const page = await browser.newPage()
const ended = new Promise((resolve, reject) => {
  page.on('pageerror', reject)
  let [left, announced] = [Infinity, false]
  page.on('console', (message) => {
    const line = message.text()
    console.log(line)
    const plan = /^1\.\.(\d+)$/.exec(line)
    if (plan !== null && !announced) [left, announced] = [Number(plan[1]), true]
    // What a failure says comes behind it.
    else if (/^(not )?ok /.test(line) && --left === 0) setTimeout(resolve, 200)
  })
})
await page.addScriptTag({ type: 'module', content: `globalThis.print = (line) => console.log(line)\n${readFileSync(bundle, 'utf8')}` })
await ended
await browser.close()
