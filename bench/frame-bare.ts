// The frame benchmark on a bare engine: prints microseconds per frame as JSON, `{ library, byHand }`.
import '../test/noble-shims.ts'
import { byHand, byLibrary, type TakeFrames, textsOnly } from './frame-work.ts'

declare const print: (line: string) => void

const FRAMES = 5000
const ROUNDS = 7

async function microsecondsPerFrame(take: TakeFrames): Promise<number> {
  const startMs = Date.now()
  await take(FRAMES)
  return ((Date.now() - startMs) * 1000) / FRAMES
}

async function main(): Promise<void> {
  const works = { library: await byLibrary(), byHand: byHand(), texts: textsOnly() }
  const found: Record<keyof typeof works, number[]> = { library: [], byHand: [], texts: [] }
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ['library', 'byHand', 'texts'] as const) found[name].push(await microsecondsPerFrame(works[name]))
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]
  const texts = median(found.texts)
  print(JSON.stringify({ library: median(found.library) - texts, byHand: median(found.byHand) - texts }))
}

void main()
