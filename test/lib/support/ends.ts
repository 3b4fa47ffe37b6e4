import {
  createSignalingClient, createSignalingDevice, type JSONValue, type SignalingChannel, type SignalingClient, type SignalingClientOptions,
  type SignalingDevice, type SignalingDeviceOptions,
} from '../../../lib/signaling/index.ts'
import { DEVICE_ID, ORIGIN, PRODUCT_ID, type TestService } from './test-service.ts'

/** A client under test with all that happened to it. */
export interface ObservedClient {
  client: SignalingClient
  states: string[]
  channelStates: string[]
  errors: unknown[]
  messages: JSONValue[]
  reconnects: () => number
}

export function observedClient(service: TestService, options: Partial<SignalingClientOptions> = {}): ObservedClient {
  const client = createSignalingClient({ productId: PRODUCT_ID, deviceId: DEVICE_ID, endpointUrl: ORIGIN, ...options }, service.host())
  const observed = { client, states: [] as string[], channelStates: [] as string[], errors: [] as unknown[], messages: [] as JSONValue[] }
  let reconnects = 0
  client.on('connectionstatechange', () => void observed.states.push(client.connectionState))
  client.on('channelstatechange', () => void observed.channelStates.push(client.channelState))
  client.on('connectionreconnect', () => { reconnects++ })
  client.on('error', (error) => void observed.errors.push(error))
  client.on('message', (message) => void observed.messages.push(message))
  return { ...observed, reconnects: () => reconnects }
}

/** A device under test with all that happened to it, its channels included. */
export interface ObservedDevice {
  device: SignalingDevice
  states: string[]
  errors: unknown[]
  channels: { channel: SignalingChannel; authorized: boolean; messages: JSONValue[]; states: string[]; errors: unknown[] }[]
  reconnects: () => number
}

export function observedDevice(service: TestService, options: Partial<SignalingDeviceOptions> = {}): ObservedDevice {
  let tokens = 0
  const device = createSignalingDevice(
    { productId: PRODUCT_ID, deviceId: DEVICE_ID, endpointUrl: ORIGIN, tokenGenerator: () => Promise.resolve(`token ${++tokens}`), ...options },
    service.host(),
  )
  const observed: Omit<ObservedDevice, 'reconnects'> = { device, states: [], errors: [], channels: [] }
  let reconnects = 0
  device.on('connectionstatechange', () => void observed.states.push(device.connectionState))
  device.on('connectionreconnect', () => { reconnects++ })
  device.on('error', (error) => void observed.errors.push(error))
  device.onNewSignalingChannel = (channel, authorized) => {
    const seen: ObservedDevice['channels'][number] = { channel, authorized, messages: [], states: [channel.channelState], errors: [] }
    observed.channels.push(seen)
    channel.on('message', (message) => void seen.messages.push(message))
    channel.on('channelstatechange', () => void seen.states.push(channel.channelState))
    channel.on('error', (error) => void seen.errors.push(error))
  }
  return { ...observed, reconnects: () => reconnects }
}
