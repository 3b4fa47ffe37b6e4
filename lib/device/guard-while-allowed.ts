import type { Iam, IamConnection } from '../iam/index.ts'

/** What runs while it is allowed. */
export interface AllowedActivity {
  /** Looks again, for what IAM does not tell by itself. */
  check(): void
  /** Ends it for good. */
  close(): void
}

/**
 * Runs something while IAM allows an action, from now on: begun at once when it is allowed, ended in the very call that
 * takes the right away (a user removed, a role changed), begun again when it comes back. Each turn is one event of the audit.
 * @param begin - @returns what ends it
 * @param failed - told what `begin` or its end throws; it counts as not running
 */
export function whileAllowed(
  iam: Iam, connection: IamConnection, action: string, begin: () => () => void, failed: (thrown: unknown) => void,
): AllowedActivity {
  let allowed: boolean | undefined
  let end: (() => void) | undefined

  function turn(on: boolean): void {
    try {
      const ending = end
      end = undefined
      ending?.()
      if (on) end = begin()
    } catch (thrown) {
      failed(thrown)
    }
  }

  function check(): void {
    if (allowed === iam.decide(connection, action).allowed) return
    allowed = iam.check(connection, action)
    turn(allowed)
  }

  check()
  // The first tells of logins, the second of changes to what an identity by fingerprint rests on.
  const stops = [iam.watch(connection, check), iam.onChange(check)]
  return {
    check,
    close(): void {
      for (const stop of stops) stop()
      turn(false)
    },
  }
}
