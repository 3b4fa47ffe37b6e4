import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where the built viewer page is: beside this program, whichever chunk of it this is. Undefined in an unbuilt checkout. */
export function viewerFolder(): string | undefined {
  return ['viewer', '../viewer', '../../../dist/viewer']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((folder) => existsSync(`${folder}/index.html`))
}
