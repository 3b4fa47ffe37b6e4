/**
 * The interface that tests of `lib/` are written against, so that one file runs under `tap` on Node and, bundled, on a
 * bare engine. Each runner sets `registerTest` before the test files load (test/suite-tap.ts, test/run-bare.ts).
 */
export interface Assert {
  /** Fails unless `value` is truthy. */
  ok(value: unknown, message?: string): void
  /** Fails unless the two are the same value (`Object.is`). */
  equal(found: unknown, wanted: unknown, message?: string): void
  /** Fails unless the two have the same structure: plain objects, arrays, byte arrays, Maps, Sets, primitives. */
  same(found: unknown, wanted: unknown, message?: string): void
  /** Fails unless `run` throws something whose `code` (or `name`, or part of whose `message`) is `wanted`. */
  throws(run: () => unknown, wanted: string, message?: string): void
  /** The same for a promise that rejects. */
  rejects(promise: Promise<unknown>, wanted: string, message?: string): Promise<void>
  fail(message: string): void
}

export type TestBody = (t: Assert) => void | Promise<void>
export type RegisterTest = (name: string, body: TestBody) => void

let register: RegisterTest | undefined

/** Called once by the runner. */
export function registerTestsWith(runner: RegisterTest): void {
  register = runner
}

/** Declares one test; tests of a file run one after another, in order. */
export function test(name: string, body: TestBody): void {
  if (register === undefined) throw new Error('no test runner was set up before this test file was loaded')
  register(name, body)
}

/** Whether `thrown` is the failure a test wants: by `code`, `errorCode`, `name`, or a part of its message. */
export function isWanted(thrown: unknown, wanted: string): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false
  const error = thrown as { code?: unknown; errorCode?: unknown; name?: unknown; message?: unknown }
  return (
    error.code === wanted ||
    error.errorCode === wanted ||
    error.name === wanted ||
    (typeof error.message === 'string' && error.message.includes(wanted))
  )
}

/** One line about anything thrown, for the report. */
export function describeThrown(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const { code } = thrown as { code?: unknown }
  return `${thrown.name}${typeof code === 'string' ? ` ${code}` : ''}: ${thrown.message}`
}
