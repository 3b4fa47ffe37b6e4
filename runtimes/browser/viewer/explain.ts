import { type PeerConnectionState } from '../../../lib/webrtc/peer-connection.ts'
import { type SignalingChannelState, type SignalingConnectionState } from '../../../lib/signaling/states.ts'

export type Tone = 'wait' | 'good' | 'bad'
export type Picture = 'none' | 'moving' | 'frozen'

export interface Situation {
  signaling: SignalingConnectionState
  channel: SignalingChannelState
  media: PeerConnectionState
  picture: Picture
  /** Whether camera and viewer have greeted each other. */
  greeted: boolean
  /** Whether a TURN server passes the packets on. */
  relayed: boolean
  /** What ended the session, by its code; undefined while it lives. */
  failure: { code: string; retryInSeconds?: number } | undefined
}

export interface Explanation {
  tone: Tone
  headline: string
  advice: string
}

const wait = (headline: string, advice = ''): Explanation => ({ tone: 'wait', headline, advice })
const good = (headline: string, advice = ''): Explanation => ({ tone: 'good', headline, advice })
const bad = (headline: string, advice: string): Explanation => ({ tone: 'bad', headline, advice })

/** Failures by code: what happened, and what the person in front of the page can do. */
const failures: Record<string, [headline: string, advice: string]> = {
  NO_CAMERA: ['This link names no camera.', 'A link ends in ?product=…&device=…#secret=…; copy it again from where the camera was started.'],
  NO_SECRET: ['This link carries no secret.', 'Without it nobody could tell your camera from an impostor. Copy the whole link, with what follows the # sign.'],
  VERIFICATION_ERROR: ['The camera and this page hold different secrets.', 'The link is from an earlier set-up, or somebody on the way changed a message. Copy the link again.'],
  ACCESS_DENIED: ['The camera does not let you in.', 'It demands an authorized client; ask its owner for a link with a token.'],
  NO_MORE_CHANNELS: ['The camera serves as many viewers as it can.', 'Close another viewer, or wait.'],
  CHANNEL_CLOSED: ['The camera ended the session.', 'It was stopped or restarted.'],
  CHANNEL_NOT_FOUND: ['The camera has restarted.', 'Its sessions ended with it.'],
  DECODE_ERROR: ['The camera and this page do not understand each other.', 'They may be of versions too far apart; update the older one.'],
  INTERNAL_ERROR: ['The camera ran into a problem of its own.', 'Its log says which.'],
  MEDIA_FAILED: ['No path for the video was found.', 'Both ends reach the service, but no direct way between them is open. A TURN server would help.'],
  ERR_SIGNALING_PRODUCT_ID_NOT_FOUND: ['The service does not know this product.', 'Check the link; `lenskey register` makes a product known.'],
  ERR_SIGNALING_DEVICE_ID_NOT_FOUND: ['The service does not know this camera.', 'Check the link; `lenskey register` makes a camera known.'],
  ERR_SIGNALING_HTTP: ['The service refused the request.', 'The token in the link may have expired, or be meant for another camera.'],
  ERR_SIGNALING_CONNECTION: ['The connection to the service was lost for good.', 'Is it still running, and are you online?'],
  ERR_HTTP_UNREACHABLE: ['The service does not answer.', 'Is it still running, and are you online?'],
  ERR_HTTP_TIMEOUT: ['The service does not answer in time.', 'Is it still running, and are you online?'],
}

/** Where things stand, in words. */
export function explain(situation: Situation): Explanation {
  const { signaling, channel, media, picture, greeted, relayed, failure } = situation
  if (failure !== undefined) return explainFailure(failure)
  if (picture === 'moving') {
    if (signaling !== 'CONNECTED') return good('Live.', 'The service is out of reach, which the video does not need. Reconnecting in the background.')
    return good('Live.', relayed
      ? 'Through a relay, which cannot look inside: encrypted between the camera and this page.'
      : 'Straight from the camera, encrypted between it and this page.')
  }
  if (picture === 'frozen') {
    return media === 'connected'
      ? wait('The picture stands still.', 'Connected, but the camera sends no frames.')
      : wait('The picture stands still.', 'The path to the camera broke; looking for another.')
  }
  if (signaling === 'WAIT_RETRY') return wait('The service is out of reach.', 'Trying again in a moment.')
  if (signaling !== 'CONNECTED') return wait('Connecting to the service…')
  if (!greeted) {
    if (channel === 'DISCONNECTED') return wait('The camera is not online.', 'The picture will come by itself when it is.')
    return wait('Greeting the camera…')
  }
  if (media !== 'connected') return wait('Finding a path to the camera…')
  return wait('Connected.', 'Waiting for the first frame.')
}

function explainFailure({ code, retryInSeconds }: { code: string; retryInSeconds?: number }): Explanation {
  const [headline, advice] = failures[code] ?? [`The session ended (${code}).`, 'The documentation lists every code.']
  if (retryInSeconds === undefined) return bad(headline, advice)
  return wait(headline, `${advice} Trying again ${retryInSeconds > 0 ? `in ${retryInSeconds} s` : 'now'}.`)
}
