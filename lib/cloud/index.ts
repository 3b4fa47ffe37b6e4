export { type Admission, createAdmission, type Proof, type Scope, type Shown } from './admission.ts'
export type { AdmitClient, AdmittedClient, ClientLogin } from './client-login.ts'
export type { EdgeSocket } from './edge-client.ts'
export { createEdgeDoor, type EdgeDoor, type EdgeDoorParts } from './edge-door.ts'
export { RendezvousError } from './errors.ts'
export { type Answer, type ClaimOrder, DEVICE_PLACE, type Fabric, isNewerClaim, type Occupant, type Room } from './fabric.ts'
export { type DeviceIds, newChannelId, newDeviceId, newProductId, readId } from './ids.ts'
export { CloseReasons, DEFAULT_RENDEZVOUS_LIMITS, type RendezvousLimits } from './limits.ts'
export { createIssuers, type Issuers } from './issuers.ts'
export { createLocalFabric } from './local-fabric.ts'
export { readProductSettings } from './product-settings.ts'
export type { ClientJwtPolicy, Device, Page, Product, ProductSettings, RegisteredKey, Registry, RegistryLookups } from './registry.ts'
export { createRelay, type Relay, type Revocation } from './relay.ts'
export {
  type ApiRequest, type IceServerSource, openRendezvous, type Rendezvous, type RendezvousHost, type RendezvousParts, SEAT_PATH,
} from './rendezvous.ts'
export type { SeatEvents, SeatGrant, SeatSocket } from './seats.ts'
export { createTickets, type Ticket, type Tickets } from './tickets.ts'
export {
  createSts, devicesInClaim, type Sts, type StsAnswer, StsError, type StsErrorName, type StsOptions, type StsPolicy, type SubjectIssuer,
} from './sts.ts'
export { openStsKeys, type StsJwk, type StsKeyOptions, type StsKeys } from './sts-keys.ts'
