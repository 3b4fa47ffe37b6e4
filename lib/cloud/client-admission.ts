import type { Clock, Random } from '../runtime/index.ts'
import type { Admission } from './admission.ts'
import type { AdmitClient } from './client-login.ts'
import { tooMany } from './errors.ts'
import type { Fabric } from './fabric.ts'
import { newChannelId, readId } from './ids.ts'
import { channelsAllowed, type RendezvousLimits } from './limits.ts'
import { createNamedRates } from './rates.ts'
import type { Relay } from './relay.ts'

/**
 * Admits clients of another dialect by what the rendezvous asks of its own: nothing for an open product, else a client
 * access token. A server connect token says nothing here.
 */
export function createClientAdmission(
  { clock, random }: { clock: Clock; random: Random },
  { admission, relay, fabric, limits }: { admission: Admission; relay: Relay; fabric: Fabric; limits: RendezvousLimits },
): AdmitClient {
  const rates = createNamedRates(limits.clientConnectsPerDevicePerMinute, limits.rememberedRates)
  return async (login) => {
    const device = { productId: readId('productId', login.productId), deviceId: readId('deviceId', login.deviceId) }
    const kid = (await admission.client(device, login.jwt))?.kid
    const room = `${device.productId}/${device.deviceId}`
    const seconds = rates.take(kid === undefined ? room : `${room}/${kid}`, clock.monotonicMs())
    if (seconds !== undefined) throw tooMany(`too many clients ask for this device; come back in ${seconds} seconds`, seconds)
    if ((await fabric.clientCount(device)) >= channelsAllowed(limits, kid)) throw tooMany('this device has as many clients as it may', 30)
    let deviceOnline: boolean
    let revocations: number
    do {
      // What is removed meanwhile has no seat yet that it could end.
      revocations = relay.revocations
      await admission.recheck(device, kid)
      deviceOnline = await fabric.hasDevice(device)
    } while (relay.revocations !== revocations)
    return { grant: { ...device, kid, channelId: newChannelId(random), order: { issuedAt: 0, serial: 0 } }, deviceOnline, turn: false }
  }
}
