import { type Clock, type Log, silentLog } from '../../../lib/runtime/index.ts'
import { nodeClock } from '../host.ts'
import { type Link, openLink, ownAddresses } from './link.ts'
import { type FoundCamera, readAnswer } from './read-answer.ts'
import { SERVICE } from './records.ts'

export interface DiscoverOptions {
  /** How long to listen. */
  timeMs: number
  /** This machine's IPv4 addresses in the networks to look in, each time that it asks; default one for each network that it is in by then. */
  addresses?: () => readonly string[]
  /** Called for each camera once, as soon as it answers. */
  onFound?: (camera: FoundCamera) => void
  /** Ends it early. */
  stop?: AbortSignal
  /** Answers that count; what comes after them is not listed. Default 64. */
  limit?: number
  clock?: Clock
  log?: Log
}

/** When it is asked, ms: answers get lost, and a camera that has just told everybody waits a second. */
const ASK_MS = [0, 1000, 3000]

/** Asks the networks of this machine for cameras. @throws Node's own errors when the port of mDNS cannot be had */
export async function discover(options: DiscoverOptions): Promise<FoundCamera[]> {
  const { timeMs, addresses = ownAddresses, onFound, stop, limit = 64, clock = nodeClock, log = silentLog } = options
  const found = new Map<string, FoundCamera>()
  let failure: unknown
  let end = (): void => undefined
  const over = new Promise<void>((resolve) => (end = resolve))

  const links = new Map<string, Link>()
  const open = (address: string): Link => openLink(address, {
    response(packet, isHere) {
      for (const camera of readAnswer(packet, isHere)) {
        const key = `${camera.fingerprint} ${camera.productId} ${camera.deviceId} ${camera.endpoint}`
        if (found.has(key) || found.size >= limit) continue
        found.set(key, camera)
        onFound?.(camera)
      }
    },
  }, log, (thrown) => {
    failure = thrown
    end()
  })
  // A network may come up meanwhile: that of a machine which was just switched on takes a second or more.
  const ask = (): void => {
    for (const address of addresses()) if (!links.has(address)) links.set(address, open(address))
    for (const link of links.values()) void link.send({ type: 'query', questions: [{ name: SERVICE, type: 'PTR' }] })
  }
  const timers = ASK_MS.filter((afterMs) => afterMs < timeMs).map((afterMs) => clock.after(afterMs, ask))
  timers.push(clock.after(timeMs, end))
  stop?.addEventListener('abort', end, { once: true })
  await over
  stop?.removeEventListener('abort', end)
  for (const cancel of timers) cancel()
  await Promise.all([...links.values()].map((link) => link.close()))
  if (failure !== undefined) throw failure instanceof Error ? failure : new Error('mDNS failed')
  return [...found.values()]
}
