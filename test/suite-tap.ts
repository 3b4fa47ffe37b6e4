// Runs the portable tests under tap. Linked in front of each test/lib file by build.mjs.
import tap from 'tap'
import { type Assert, describeThrown, isWanted, registerTestsWith } from './suite.ts'

registerTestsWith((name, body) => {
  void tap.test(name, async (t) => {
    const assert: Assert = {
      ok: (value, message = 'ok') => void t.ok(value, message),
      equal: (found, wanted, message) => void t.ok(Object.is(found, wanted), message ?? 'same value', { found, wanted }),
      same: (found, wanted, message = 'same structure') => void t.strictSame(found, wanted, message),
      throws(run, wanted, message) {
        try {
          run()
        } catch (thrown) {
          t.ok(isWanted(thrown, wanted), message ?? `throws ${wanted}`, { thrown: describeThrown(thrown) })
          return
        }
        t.fail(message ?? `should throw ${wanted}`)
      },
      async rejects(promise, wanted, message) {
        try {
          await promise
        } catch (thrown) {
          t.ok(isWanted(thrown, wanted), message ?? `rejects ${wanted}`, { thrown: describeThrown(thrown) })
          return
        }
        t.fail(message ?? `should reject ${wanted}`)
      },
      fail: (message) => void t.fail(message),
    }
    await body(assert)
  })
})
