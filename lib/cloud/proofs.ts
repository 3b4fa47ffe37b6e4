import type { Clock } from '../runtime/index.ts'
import { unauthorized } from './errors.ts'
import type { DeviceIds } from './ids.ts'
import type { RendezvousLimits } from './limits.ts'

/**
 * Remembers the newest proof of each device, so that a token seen by someone else cannot take the seat later: a connect
 * needs a token made after the last one, or the same second's while that is fresh (a device that signs deterministically
 * makes the same token twice within a second).
 */
export interface ProofMemory {
  /** @throws {RendezvousError} 401 when a newer proof, or this one a while ago, was shown */
  accept(device: DeviceIds, issuedAt: number): void
}

interface Proof {
  issuedAt: number
  shownAtMs: number
}

export function createProofMemory(host: { clock: Clock }, limits: RendezvousLimits): ProofMemory {
  const newest = new Map<string, Proof>()
  // After that the token is refused for its age.
  const usefulMs = (limits.tokenLifetimeSeconds + 3 * limits.leewaySeconds) * 1000

  const forgetOld = (nowMs: number): void => {
    for (const [name, { shownAtMs }] of newest) {
      // In the order in which they were shown, see `accept`.
      if (nowMs - shownAtMs < usefulMs) return
      newest.delete(name)
    }
  }

  return {
    accept({ productId, deviceId }, issuedAt) {
      const nowMs = host.clock.monotonicMs()
      const name = `${productId}/${deviceId}`
      const before = newest.get(name)
      if (before !== undefined && issuedAt < before.issuedAt) {
        throw unauthorized('a newer token of this device was already used; make a fresh token for every connect')
      }
      if (before?.issuedAt === issuedAt) {
        if (nowMs - before.shownAtMs > limits.proofReuseSeconds * 1000) {
          throw unauthorized('this token was already used; make a fresh token for every connect')
        }
        return
      }
      newest.delete(name)
      newest.set(name, { issuedAt, shownAtMs: nowMs })
      forgetOld(nowMs)
    },
  }
}
