// The documents keep up with the code.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'

function sourcesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name))).filter((file) => file.endsWith('.ts'))
}

void tap.test('docs/errors.md explains every code', (t) => {
  const text = readFileSync('docs/errors.md', 'utf8')
  const documented = new Set(text.match(/\bERR_[A-Z0-9_]+/g))
  const thrown = new Set<string>()
  for (const file of [...sourcesUnder('lib'), ...sourcesUnder('runtimes')]) {
    for (const [, code] of readFileSync(file, 'utf8').matchAll(/'(ERR_[A-Z0-9_]+)'/g)) thrown.add(code)
  }
  t.ok(thrown.size > 40)
  t.same([...thrown].filter((code) => !documented.has(code)).sort(), [], 'no code without an explanation')
  t.same([...documented].filter((code) => !thrown.has(code)).sort(), [], 'no explanation without a code')
  t.end()
})

void tap.test('links between the documents lead somewhere', (t) => {
  const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...readdirSync('docs').filter((name) => name.endsWith('.md')).map((name) => join('docs', name))]
  for (const document of documents) {
    for (const [, target] of readFileSync(document, 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^https?:/.test(target)) continue
      t.ok(existsSync(join(document, '..', target)), `${document} links to ${target}`)
    }
  }
  t.ok(statSync('docs/viewer.png').size < 200_000, 'the picture is small')
  t.end()
})
