import type { Test } from 'tap'
import { type CoapClient, type CoapRequest, type CoapResponse, createCoapClient, createCoapSession } from '../../../../lib/coap/index.ts'
import { createSigner } from '../../../../lib/crypto/index.ts'
import { createViewer } from '../../../../lib/client/index.ts'
import { createCamera, DeviceTokenGenerator } from '../../../../lib/device/index.ts'
import { createDataChannelPipe, type CreatePeerConnection, type MediaPeerConnection } from '../../../../lib/webrtc/index.ts'
import { attachVideo, createNodeHost, type VideoSource } from '../../../../runtimes/node/index.ts'
import { type RendezvousOptions, type RunningRendezvous } from '../../../../runtimes/node/service/index.ts'
import { DEVICE, PRODUCT, registerTestDevice, serve } from '../service.ts'

const host = createNodeHost()

/** One victim, and the connection to the real camera that was made for it. */
export interface Relayed {
  /** Asks the real camera, over the connection of this victim. */
  forward: (request: CoapRequest) => Promise<CoapResponse>
}

/** What becomes of a request that a victim sends to the camera. */
export type Answer = (request: CoapRequest, relayed: Relayed, all: readonly Relayed[]) => Promise<CoapResponse>

export interface ManInTheMiddle {
  /** What a victim takes for the service. */
  url: string
  service: RunningRendezvous
  /** Oldest first. */
  relayed: readonly Relayed[]
  /** Paths of the requests of all victims, oldest first. */
  asked: string[]
  /** RTP packets of the real camera that came this far. */
  packets(): number
}

export const pathOf = ({ segments }: CoapRequest): string => `/${segments.join('/')}`

/**
 * The rendezvous that ends both DTLS connections in the middle: a camera of its own to the victims, with the IDs of the real
 * one, and a client to the real camera for each of them. Passes on video and requests, the challenge included.
 * @param answer - in place of passing a request on
 * @param options - of the service; `video` is a picture that it shows to every victim at once; `answerWithinMs` is its patience
 * with an answer that does not come, default 3,000
 */
export async function startManInTheMiddle(
  t: Test, realUrl: string, createPeerConnection: CreatePeerConnection, answer: Answer = (request, { forward }) => forward(request),
  { video, answerWithinMs = 3000, ...options }: Partial<RendezvousOptions> & { video?: VideoSource; answerWithinMs?: number } = {},
): Promise<ManInTheMiddle> {
  const service = await serve(t, options)
  const signer = createSigner((await registerTestDevice(service)).key, host)
  const tokens = new DeviceTokenGenerator(PRODUCT, DEVICE, signer, host)
  const at = { productId: PRODUCT, deviceId: DEVICE }
  const relayed: Relayed[] = []
  const asked: string[] = []
  let packets = 0

  const camera = createCamera<MediaPeerConnection>({
    ...at, endpointUrl: service.url, tokenGenerator: () => tokens.generateToken(), access: { guarded: true }, createPeerConnection,
    attach(session) {
      const detach = video && attachVideo(session.peerConnection, video)
      const far = createCoapClient(host)
      const viewer = createViewer<MediaPeerConnection>({
        ...at, endpointUrl: realUrl, createPeerConnection,
        attach(connection) {
          openCoap(connection, far)
          connection.onVideo = (receiver) => {
            const sender = session.peerConnection.addVideoSender({ codec: receiver.codec ?? 'VP8', trackId: 'video' })
            sender.onKeyFrameRequest = () => { receiver.requestKeyFrame() }
            receiver.onRtp = (packet) => {
              packets++
              sender.sendRtp(packet)
            }
          }
        },
      }, host)
      const self: Relayed = {
        forward: (request) => {
          const { method, query, contentFormat, accept, payload } = request
          return far.request(method, pathOf(request), { query, contentFormat, accept, payload: payload.length === 0 ? undefined : payload })
        },
      }
      relayed.push(self)
      const near = createCoapSession({
        context: undefined, clock: host.clock,
        router: {
          on: () => undefined,
          watch: () => undefined,
          handle: (request) => {
            asked.push(pathOf(request))
            return answer(request, self, relayed)
          },
        },
      }, { answerWithinMs })
      session.peerConnection.addEventListener('datachannel', ({ channel }) => { near.attach(createDataChannelPipe(channel)) })
      session.onclose = () => {
        detach?.()
        near.close()
        far.close()
        viewer.close()
      }
      viewer.start()
    },
  }, host)
  camera.start()
  t.teardown(() => { camera.close() })
  return { url: service.url, service, relayed, asked, packets: () => packets }
}

function openCoap(connection: MediaPeerConnection, client: CoapClient): void {
  const channel = connection.createDataChannel('coap')
  channel.addEventListener('open', () => { client.attach(createDataChannelPipe(channel)) })
}
