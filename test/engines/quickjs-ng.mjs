// A bare bundle in quickjs-ng, which is compiled to WebAssembly: deep calls in it are deep calls of Node, in a thread with room for them.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { isMainThread, Worker } from 'node:worker_threads'

if (isMainThread) new Worker(new URL(import.meta.url), { argv: process.argv.slice(2), resourceLimits: { stackSizeMb: 64 } })
else await run(...process.argv.slice(2))

async function run(folder, bundle) {
  const installed = createRequire(resolve(folder, 'package.json'))
  const { newQuickJSWASMModuleFromVariant } = installed('quickjs-emscripten-core')
  const { default: variant } = installed('@jitl/quickjs-ng-wasmfile-release-sync')
  const runtime = (await newQuickJSWASMModuleFromVariant(variant)).newRuntime()
  runtime.setMaxStackSize(256 * 1024)
  const context = runtime.newContext()
  context.setProp(context.global, 'print', context.newFunction('print', (line) => { console.log(context.getString(line)) }))
  const orThrow = ({ error, value }) => {
    if (error !== undefined) throw new Error(JSON.stringify(context.dump(error)))
    return value
  }
  orThrow(context.evalCode(readFileSync(bundle, 'utf8'), bundle, { type: 'module' }))
  while (orThrow(runtime.executePendingJobs()) > 0);
}
