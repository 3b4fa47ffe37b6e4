import { type PeerConnectionState } from '../../../lib/webrtc/peer-connection.ts'
import { type SignalingChannelState, type SignalingConnectionState } from '../../../lib/signaling/states.ts'
import { wordsFor } from './failures.ts'

export type Tone = 'wait' | 'good' | 'bad'
export type Picture = 'none' | 'moving' | 'frozen'
/**
 * What is known of who is at the other end:
 * - `verified`: the camera has proved to hold its key, and that nobody is between
 * - `secret`: its messages were signed with the shared secret, its key was not checked
 * - `none`: the service vouches for us to the camera, nobody for the camera to us
 */
export type Trust = 'checking' | 'verified' | 'secret' | 'none'
/** What the page asks the person for; `pair-here` where being in the camera's network is enough, `token` for any kind of token. */
export type Question = 'none' | 'find' | 'pair' | 'pair-here' | 'sign-in' | 'token'

export interface Situation {
  signaling: SignalingConnectionState
  channel: SignalingChannelState
  media: PeerConnectionState
  picture: Picture
  /** Whether camera and viewer have greeted each other. */
  greeted: boolean
  /** Whether a TURN server passes the packets on. */
  relayed: boolean
  trust: Trust
  question: Question
  /** As the camera knows us. */
  user: { name: string; role: string } | undefined
  /** Whether the camera has taken the picture away. */
  removed: boolean
  /** Whether the camera has offered a picture at all. */
  offered: boolean
  /** Whether the OAuth token that we are somebody by runs out soon, or has. */
  tokenWanted: boolean
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

/** Where things stand, in words. */
export function explain(situation: Situation): Explanation {
  const { signaling, channel, media, picture, greeted, relayed, trust, question, user, removed, offered, tokenWanted, failure } = situation
  if (failure !== undefined) return explainFailure(failure)
  if (question === 'find') return wait('No camera chosen yet.')
  if (tokenWanted && (removed || picture === 'frozen')) return bad('Your token has run out.', 'The camera has taken the picture away. Paste a new token below, and it comes back.')
  if (removed) {
    return user === undefined
      ? bad('Your access was taken away.', 'Somebody who manages the camera has removed you while you were watching. Ask them if that was not meant.')
      : bad('The picture was taken away.', `You are still ${user.name}, now with the role ${user.role}, which may not see it.`)
  }
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
  if (question === 'pair-here') return wait('The camera waits for you.', trust === 'verified' ? 'It has proved that it is the right one.' : 'Nobody has told this page which camera it is: compare its key below once you are in.')
  if (question === 'pair') return wait('The camera waits for you.', trust === 'verified' ? 'It has proved that it is the one in your link.' : 'It will prove that it is the right one when it sees that you know its code.')
  if (question === 'token') return wait('The camera waits for you.', trust === 'verified' ? 'It has proved that it is the right one.' : 'A token for the camera itself is sent only when it has proved that it is the right one.')
  if (question === 'sign-in') return wait('The camera waits for you.', trust === 'verified' ? 'It has proved that it is the right one.' : 'It will prove that it is the right one as you sign in.')
  if (trust === 'checking') return wait('Checking that it is your camera…', 'Nothing is shown or sent before it has proved that.')
  if (user !== undefined && !offered) return wait(`Connected as ${user.name}.`, `Waiting for the picture. It comes if the role ${user.role} may see it.`)
  return wait('Connected.', 'Waiting for the first frame.')
}

function explainFailure({ code, retryInSeconds }: { code: string; retryInSeconds?: number }): Explanation {
  const [headline, advice] = wordsFor(code)
  if (retryInSeconds === undefined) return bad(headline, advice)
  return wait(headline, `${advice} Trying again ${retryInSeconds > 0 ? `in ${retryInSeconds} s` : 'now'}.`)
}

/** First digits of a fingerprint, for people to compare. */
export const shortFingerprint = (digits: string): string => inGroups(digits.slice(0, 12))
export const inGroups = (digits: string): string => digits.replace(/.{4}(?=.)/g, '$& ')

/** What the badge says of who is at the other end, in short and in full. */
export function explainTrust(trust: Trust, fingerprint: string | undefined): { tone: Tone; label: string; more: string } {
  if (trust === 'verified' && fingerprint !== undefined) {
    return { tone: 'good', label: 'Verified', more: 'The camera has proved to hold the key with this fingerprint, and that nobody is between it and this page.' }
  }
  if (trust === 'secret') return { tone: 'wait', label: 'Not verified', more: 'Everything was signed with the secret in your link, so it comes from a camera that knows the secret. The camera\'s own key was not checked: the link does not say which it is.' }
  if (trust === 'none') return { tone: 'wait', label: 'Not verified', more: 'The service let you in and says that this is your camera. The link has no fingerprint to check that with.' }
  return { tone: 'wait', label: 'Not verified yet', more: 'The camera has not proved yet which one it is.' }
}
