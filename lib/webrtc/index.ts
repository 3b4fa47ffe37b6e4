export * from './device-connection-timeout.ts'
export * from './peer-connection.ts'
export * from './perfect-negotiation.ts'
export * from './signaling-event-handler.ts'
