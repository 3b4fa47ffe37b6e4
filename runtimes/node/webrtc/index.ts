import { LenskeyError } from '../../../lib/errors.ts'
import type { CreatePeerConnection } from '../../../lib/webrtc/peer-connection.ts'
import { createNodeDatachannelEngine } from './node-datachannel.ts'
import type { EngineOptions } from './options.ts'
import { createWeriftEngine } from './werift.ts'

export { createNodeDatachannelEngine } from './node-datachannel.ts'
export type { EngineOptions } from './options.ts'
export { createWeriftEngine } from './werift.ts'

export const engineNames = ['auto', 'node-datachannel', 'werift'] as const
export type EngineName = (typeof engineNames)[number]

/**
 * The WebRTC engine of that name; `auto` is node-datachannel, or werift where there is no binary for the machine.
 *
 * @throws {LenskeyError} `ERR_WEBRTC_ENGINE_MISSING` when it is not installed
 */
export async function loadEngine(name: EngineName, options: EngineOptions = {}): Promise<CreatePeerConnection> {
  if (name === 'node-datachannel') return createNodeDatachannelEngine(options)
  if (name === 'werift') return createWeriftEngine(options)
  try {
    return await createNodeDatachannelEngine(options)
  } catch (error) {
    if (!isMissing(error)) throw error
    options.log?.('info', 'webrtc.engine.fallback', { from: 'node-datachannel', to: 'werift' })
  }
  try {
    return await createWeriftEngine(options)
  } catch (error) {
    if (!isMissing(error)) throw error
    const message = 'no WebRTC engine is installed: run `npm install node-datachannel`, or `npm install werift` where it has no binary'
    throw new LenskeyError('ERR_WEBRTC_ENGINE_MISSING', message, { cause: error })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof LenskeyError && error.code === 'ERR_WEBRTC_ENGINE_MISSING'
}
