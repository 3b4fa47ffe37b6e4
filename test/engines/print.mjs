// A bare bundle under an engine of its own that prints with `console.log`: Node of any line, Deno.
import { resolve } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

globalThis.print = console.log
await import(pathToFileURL(resolve(process.argv[2])).href)
