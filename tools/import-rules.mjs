// The house rules on imports (docs/design.md, "The house"), read from what esbuild saw and from the type imports it drops.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** Floors of lib/ from the ground up. An arrow may only point to a lower floor or stay in its own folder. */
export const floors = [
  ['errors.ts'],
  ['bytes', 'runtime'],
  ['crypto', 'cbor', 'coap'],
  ['jwt'],
  ['iam', 'signaling'],
  ['access', 'webrtc'],
  ['edge'],
  ['device', 'client', 'cloud'],
]

/** Packages that lib/ may use. */
const allowedPackages = ['@noble/curves', '@noble/hashes']

const folderOf = (file) => file.split('/')[1]
const floorOf = (folder) => floors.findIndex((names) => names.includes(folder))

/** Why `from` may not import `to`, or undefined when it may. Both are paths from the project's root, or package names. */
export function brokenRule(from, to) {
  if (!from.startsWith('lib/')) return undefined
  if (to.startsWith('node:')) return 'lib/ runs where there is no Node'
  if (to.startsWith('runtimes/')) return 'lib/ gets its host as an argument'
  const bare = to.replace(/^node_modules\//, '')
  if (!to.startsWith('lib/')) {
    return allowedPackages.some((name) => bare === name || bare.startsWith(`${name}/`)) ? undefined : 'not a package that lib/ may use'
  }
  const [here, there] = [folderOf(from), folderOf(to)]
  if (floorOf(here) < 0) return `lib/${here} has no floor in tools/import-rules.mjs`
  if (floorOf(there) < 0) return `lib/${there} has no floor in tools/import-rules.mjs`
  return here === there || floorOf(there) < floorOf(here) ? undefined : `lib/${there} is not below lib/${here}`
}

/** @throws when any edge in the metafiles, or any relative import written in lib/, breaks a rule */
export function checkImports(metafiles) {
  const broken = new Set()
  const see = (from, to) => {
    const rule = brokenRule(from, to)
    if (rule !== undefined) broken.add(`${from} imports ${to}: ${rule}`)
  }
  for (const { inputs } of metafiles) {
    for (const [from, { imports }] of Object.entries(inputs)) for (const { path } of imports) see(from, path)
  }
  for (const name of readdirSync('lib', { recursive: true })) {
    const file = posix.join('lib', String(name))
    if (!file.endsWith('.ts')) continue
    for (const [, target] of readFileSync(join('.', file), 'utf8').matchAll(/\bfrom '(\.[^']+)'/g)) {
      see(file, posix.join(posix.dirname(file), target))
    }
  }
  if (broken.size > 0) throw new Error(`forbidden imports:\n${[...broken].sort().map((line) => `  ${line}`).join('\n')}`)
}
