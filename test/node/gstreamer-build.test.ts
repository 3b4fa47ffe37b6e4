// What `npm run build:engine` promises those who build for another processor (docs/porting.md).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { buildEngine } from '../../tools/gstreamer.mjs'
import { skipGstreamer } from './support/gstreamer-engine.ts'
import { temporaryFolder } from './support/service.ts'

tap.setTimeout(120_000)

void tap.test('CC may bring options, and what is there is made anew for another', { skip: skipGstreamer() }, async (t) => {
  const outfile = join(temporaryFolder(t), 'lenskey-engine')
  const before = process.env.CC
  t.teardown(() => {
    if (before === undefined) delete process.env.CC
    else process.env.CC = before
  })
  // The linker puts this name into the program.
  for (const id of ['1122334455667788', '8877665544332211']) {
    process.env.CC = `gcc -O0  -Wl,--build-id=0x${id}`
    await buildEngine({ outfile })
    t.ok(readFileSync(outfile).includes(Buffer.from(id, 'hex')), id)
  }
})
