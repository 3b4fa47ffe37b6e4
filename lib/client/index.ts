export * from './viewer.ts'
export * from '../signaling/client.ts'
export * from '../signaling/client-message-transport.ts'
