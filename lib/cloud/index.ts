export { type Admission, createAdmission, type Proof, type Scope } from './admission.ts'
export type { AdmitClient, AdmittedClient, ClientLogin } from './client-login.ts'
export { RendezvousError } from './errors.ts'
export { type Answer, type ClaimOrder, DEVICE_PLACE, type Fabric, isNewerClaim, type Occupant, type Room } from './fabric.ts'
export { type DeviceIds, newChannelId, newDeviceId, newProductId, readId } from './ids.ts'
export { CloseReasons, DEFAULT_RENDEZVOUS_LIMITS, type RendezvousLimits } from './limits.ts'
export { createLocalFabric } from './local-fabric.ts'
export type { Device, Page, Product, RegisteredKey, Registry, RegistryLookups } from './registry.ts'
export { createRelay, type Relay, type Revocation } from './relay.ts'
export {
  type ApiRequest, type IceServerSource, openRendezvous, type Rendezvous, type RendezvousHost, type RendezvousParts, SEAT_PATH,
} from './rendezvous.ts'
export type { SeatEvents, SeatGrant, SeatSocket } from './seats.ts'
export { createTickets, type Ticket, type Tickets } from './tickets.ts'
