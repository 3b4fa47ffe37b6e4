// Single files whose size is promised.
import { firmware } from './bare-engine.mjs'
import { smallModules } from './small-modules.mjs'

const viewingPage = { bundle: true, format: 'esm', target: 'es2022', platform: 'browser', plugins: [smallModules] }

/**
 * Single files whose size is promised: name, entry, options, and the largest size allowed (bytes raw, bytes gzip). The camera has
 * no room for `fast`.
 */
export const sized = [
  { name: 'lenskey-token.quickjs.js', entry: 'runtimes/quickjs/token.ts', options: firmware, fast: true, raw: 48_000, gzip: 18_000 },
  { name: 'lenskey-device.quickjs.js', entry: 'runtimes/quickjs/device.ts', options: firmware, fast: true, raw: 75_000, gzip: 27_000 },
  { name: 'lenskey-camera.quickjs.js', entry: 'runtimes/quickjs/camera.ts', options: firmware, raw: 160_000, gzip: 55_000 },
  { name: 'lenskey-bench.quickjs.js', entry: 'runtimes/bench/bare.ts', options: firmware, fast: true, raw: 80_000, gzip: 32_000 },
  { name: 'lenskey-client.js', entry: 'runtimes/browser/client.ts', options: viewingPage, raw: 90_000, gzip: 32_000 },
]

/** The largest sizes allowed of the camera for boards, in bytes: of its bundle, of what gzip makes of it, and of its bytecode. */
export const boardSizes = { raw: 215_000, gzip: 76_000, bytecode: 350_000 }
