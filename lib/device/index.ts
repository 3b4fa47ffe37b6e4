export { DeviceTokenGenerator, type TokenHost } from './token-generator.ts'
export * from './camera.ts'
export * from '../signaling/device.ts'
export * from '../signaling/device-message-transport.ts'
