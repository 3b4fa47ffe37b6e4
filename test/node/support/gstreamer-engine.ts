import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { ensureEngine } from '../../../tools/gstreamer.mjs'
import { skipWithout } from '../../../tools/requirements.mjs'
import { type RunningProgram, startProgram } from './board.ts'
import { type BoardScene, boardScene } from './board-scene.ts'

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

export interface EngineSettings {
  env?: Record<string, string>
  /** A library that goes before all others but the sanitizer's. */
  preload?: string
}

/** Why it cannot be built here; false when it can. */
export const skipGstreamer = (): string | false => skipWithout('gst-inspect-1.0') || skipWithout('gcc')

/** The engine on GStreamer, built where it is not up to date, on loopback, with sanitizers that end it over the first fault. */
export async function startGstreamer(t: TearDown, socket: string, more: string[] = [], { env: given, preload }: EngineSettings = {}): Promise<RunningProgram> {
  const program = await ensureEngine({ outfile: 'build/gstreamer/lenskey-engine-sanitized', sanitize: true })
  // What GStreamer and GLib keep until the end is no leak of ours.
  const env: Record<string, string> = { ...given, ASAN_OPTIONS: 'detect_leaks=0', UBSAN_OPTIONS: 'halt_on_error=1', GST_REGISTRY_FORK: 'no', G_DEBUG: 'fatal-criticals' }
  if (preload !== undefined) env.LD_PRELOAD = `${execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()} ${resolve(preload)}`
  const engine = startProgram(t, [program, '--socket', socket, '--address', '127.0.0.1', '--width', '320', '--height', '240', ...more], env)
  await engine.says('ready')
  return engine
}

/** A board whose engine is this one. */
export async function gstreamerScene(t: Parameters<typeof boardScene>[0], more: string[] = [], settings: EngineSettings = {}): Promise<{ scene: BoardScene; engine: RunningProgram; startAgain: () => Promise<RunningProgram> }> {
  let engine: RunningProgram | undefined
  let startAgain = (): Promise<RunningProgram> => Promise.reject(new Error('no engine'))
  const scene = await boardScene(t, 'x86_64', {
    async startEngine(test, socket) {
      startAgain = () => startGstreamer(test, socket, more, settings)
      engine = await startAgain()
    },
  })
  if (engine === undefined) throw new Error('no engine')
  return { scene, engine, startAgain }
}
