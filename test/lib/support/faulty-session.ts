import type { Fault, Transfer } from '../../../runtimes/memory/index.ts'
import {
  ClientMessageTransportSecurityMode, createClientMessageTransport, createDeviceMessageTransport, DeviceMessageTransportSecurityMode, type MessageTransport,
} from '../../../lib/signaling/index.ts'
import { observedClient, observedDevice } from './ends.ts'
import { TestService } from './test-service.ts'

const MESSAGES = 4

export interface Outcome {
  transfers: Transfer[]
  /** Undefined when all went well. */
  failure: string | undefined
}

/**
 * A signed session in which both ends send `MESSAGES` messages, a few at a time, under a script of faults.
 * @param heals - no faults any more from here on, ms
 */
export async function runSession(script: (transfer: Transfer) => Fault | undefined, heals = Infinity): Promise<Outcome> {
  const service = new TestService()
  const { clock, network } = service
  const transfers: Transfer[] = []
  network.script = (transfer) => {
    transfers.push(transfer)
    return clock.monotonicMs() < heals ? script(transfer) : undefined
  }
  const { device } = observedDevice(service)
  const atDevice: string[] = []
  const atClient: string[] = []
  const failures: string[] = []
  let sessions = 0
  const listen = (transport: MessageTransport, seen: string[], name: string): void => {
    transport.on('webrtcsignalingmessage', (message) => void seen.push(message.type === 'CANDIDATE' ? message.candidate.candidate : 'other'))
    transport.on('error', (error) => void failures.push(`${name}: ${String(error)}`))
    transport.on('setupdone', () => {
      void sendAll(transport, name)
    })
  }
  const sendAll = async (transport: MessageTransport, name: string): Promise<void> => {
    for (let n = 0; n < MESSAGES; n++) {
      await transport.sendWebrtcSignalingMessage({ type: 'CANDIDATE', candidate: { candidate: `${name} ${n}`, sdpMid: '0' } })
      if (n % 2 === 1) await new Promise<void>((resolve) => void clock.after(3, resolve))
    }
  }
  device.onNewSignalingChannel = (channel) => {
    sessions++
    listen(createDeviceMessageTransport(device, channel, {
      securityMode: DeviceMessageTransportSecurityMode.SHARED_SECRET, sharedSecretCallback: () => Promise.resolve('s3cret'),
    }), atDevice, 'device')
  }
  device.start()
  const { client } = observedClient(service)
  client.on('error', (error) => void failures.push(`client end: ${String(error)}`))
  listen(createClientMessageTransport(client, { securityMode: ClientMessageTransportSecurityMode.SHARED_SECRET, sharedSecret: 's3cret' }), atClient, 'client')
  await clock.advance(5)
  client.start()
  const done = (): boolean => failures.length > 0 || (atDevice.length >= MESSAGES && atClient.length >= MESSAGES)
  for (let waited = 0; !done() && waited < 600; waited++) await clock.advance(waited < 50 ? 20 : 1000)
  // Time for anything that comes twice.
  await clock.advance(5000)
  device.close()
  client.close()
  await clock.advance(5000)
  const wanted = (name: string): string => Array.from({ length: MESSAGES }, (_, n) => `${name} ${n}`).join()
  const problems = [
    ...failures,
    ...(atDevice.join() === wanted('client') ? [] : [`the device got ${atDevice.join()}`]),
    ...(atClient.join() === wanted('device') ? [] : [`the client got ${atClient.join()}`]),
    ...(sessions === 1 ? [] : [`${sessions} sessions`]),
    ...(clock.pendingTimers() === 0 ? [] : ['timers left behind']),
  ]
  return { transfers, failure: problems.length === 0 ? undefined : problems.join('; ') }
}
