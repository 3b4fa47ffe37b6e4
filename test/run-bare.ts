// Runs the portable tests on an engine with no host at all and prints TAP. build.mjs links every test/lib file behind it.
import { type Assert, describeThrown, isWanted, registerTestsWith, type TestBody } from './suite.ts'

/** What a bare engine offers to print with; `print` is QuickJS's. */
declare const print: (line: string) => void

const tests: { name: string; body: TestBody }[] = []
registerTestsWith((name, body) => {
  tests.push({ name, body })
})

function structure(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes(${Array.from(value).join(',')})`
  if (value instanceof Map) return `map(${Array.from(value, structure).join(',')})`
  if (value instanceof Set) return `set(${Array.from(value, structure).join(',')})`
  if (Array.isArray(value)) return `[${value.map(structure).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${structure(member)}`).join(',')}}`
  }
  return typeof value === 'string' ? JSON.stringify(value) : typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : String(value)
}

function assertInto(failures: string[]): Assert & { count(): number } {
  let count = 0
  const check = (passed: boolean, message: string): void => {
    count++
    if (!passed) failures.push(message)
  }
  const judge = (thrown: unknown, wanted: string, message?: string): void => {
    check(isWanted(thrown, wanted), `${message ?? ''} wanted ${wanted}, thrown ${describeThrown(thrown)}`)
  }
  return {
    count: () => count,
    ok: (value, message = 'ok') => { check(Boolean(value), message) },
    equal: (found, wanted, message = 'equal') => {
      check(Object.is(found, wanted), `${message}: found ${structure(found)}, wanted ${structure(wanted)}`)
    },
    same: (found, wanted, message = 'same') => {
      check(structure(found) === structure(wanted), `${message}: found ${structure(found)}, wanted ${structure(wanted)}`)
    },
    throws(run, wanted, message) {
      try {
        run()
      } catch (thrown) {
        judge(thrown, wanted, message)
        return
      }
      check(false, `${message ?? ''} nothing thrown, wanted ${wanted}`)
    },
    async rejects(promise, wanted, message) {
      try {
        await promise
      } catch (thrown) {
        judge(thrown, wanted, message)
        return
      }
      check(false, `${message ?? ''} not rejected, wanted ${wanted}`)
    },
    fail: (message) => { check(false, message) },
  }
}

/** Runs everything registered; prints TAP version 13. */
export async function runTests(): Promise<void> {
  print('TAP version 13')
  print(`1..${tests.length}`)
  for (const [index, { name, body }] of tests.entries()) {
    const failures: string[] = []
    const assert = assertInto(failures)
    try {
      await body(assert)
      if (assert.count() === 0) failures.push('no assertion was made')
    } catch (thrown) {
      failures.push(`${describeThrown(thrown)}\n${thrown instanceof Error ? String(thrown.stack) : ''}`)
    }
    print(`${failures.length === 0 ? 'ok' : 'not ok'} ${index + 1} - ${name.replace(/#/g, '\\#')}`)
    for (const failure of failures) print(failure.replace(/^/gm, '# '))
  }
}
