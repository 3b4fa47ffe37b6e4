import { type RefusedError } from '../../../lib/client/index.ts'
import { LenskeyError } from '../../../lib/errors.ts'
import { HttpError, SignalingError } from '../../../lib/signaling/index.ts'
import { type TrackError } from '../../../lib/webrtc/track-metadata.ts'

/** What happened, and what the person in front of the page can do. */
type Words = readonly [headline: string, advice: string]

const somebodyBetween = 'Somebody between this page and the camera may be listening, so the connection was closed; nothing that they could use was sent. '
const nothingLost = 'No picture was shown, and nothing that a stranger could use was sent.'

/** No picture is shown and nothing more is sent after one of these: nobody can tell who is at the other end. */
const alarms: Readonly<Partial<Record<string, Words>>> = {
  ERR_CHALLENGE_DEVICE: ['This is not the camera that the link is about.', `Another device answered in its place. ${somebodyBetween}Compare the fingerprint in your link with the one that the camera prints.`],
  PIN_CHANGED: ['The camera\'s key is not the one that this browser knows.', `If you have reset the camera, forget the old key and open its new pairing link. If not, somebody has put another device in its place, or may be listening in between. ${nothingLost}`],
  ERR_CHALLENGE_CLIENT_FINGERPRINT: ['The camera is not connected to this page, but to somebody between.', `${somebodyBetween}Try another network, and tell whoever runs the service.`],
  ERR_CHALLENGE_DEVICE_FINGERPRINT: ['This page is not connected to the camera, but to somebody between.', `${somebodyBetween}Try another network, and tell whoever runs the service.`],
  ERR_CHALLENGE_SIGNATURE: ['The camera\'s proof was forged or changed on its way.', `${somebodyBetween}Try another network.`],
  ERR_CHALLENGE_NONCE: ['Somebody replayed an old proof of the camera.', `${somebodyBetween}Try another network.`],
  ERR_CHALLENGE_MALFORMED: ['The camera\'s proof makes no sense.', `Either its software is of another version, or somebody between may be listening. ${nothingLost}`],
  ERR_CHALLENGE_ALGORITHM: ['The camera\'s proof is signed in a way that this page does not accept.', `Either its software is of another version, or somebody between may be listening. ${nothingLost}`],
  ERR_CHALLENGE_KEY: ['The camera\'s proof shows no usable key.', `Either its software is of another version, or somebody between may be listening. ${nothingLost}`],
  ERR_CHALLENGE_UNSUPPORTED: ['The camera does not prove who it is.', `Either its software is too old for that, or somebody between keeps it from doing so and may be listening. ${nothingLost}`],
  ERR_CHALLENGE_REFUSED: ['The camera did not prove who it is this time.', `Try again. If it goes on, somebody between may be listening. ${nothingLost}`],
  CHALLENGE_SILENT: ['The camera does not prove who it is.', `It was asked and said nothing. Either it is in trouble, or somebody between keeps it from answering and may be listening. ${nothingLost}`],
  ERR_SDP_FINGERPRINT: ['The connection does not say whose it is.', `Its description lacks the one fingerprint that it should have; somebody between may have changed it to listen in. ${nothingLost}`],
  ERR_SDP_NOT_IN_FORCE: ['The connection is not settled yet.', 'Nobody could be verified over it. Try again.'],
  ERR_SDP_FINGERPRINT_CHANGED: ['The connection changed hands on its way.', 'Its certificate is another one than before: somebody between may be listening, so it was closed. Try another network.'],
  ERR_WEBRTC_HANDSHAKE: ['The connection could not be secured.', `What answers on the way is not what the service said is the camera: somebody between may have wanted to listen in. ${nothingLost} Try again, or another network.`],
  ERR_PASSWORD_DEVICE: ['Whoever answered does not know your password.', 'So it is not your camera: somebody between may be listening. They have learnt at most that one guess of theirs was wrong. Check the address, and try another network.'],
}

/** All others by their code. */
const failures: Readonly<Partial<Record<string, Words>>> = {
  NO_CAMERA: ['Which camera?', 'The address of this page names none. Paste a link, or type what stands on the camera.'],
  ERR_PAIRING_LINK: ['This link is not whole.', 'Part of it was lost on the way here. Copy all of it again, from the first character to the last.'],
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
  ERR_SIGNALING_HTTP: ['The service refused the request.', 'Its log says why.'],
  SERVICE_TROUBLE: ['The service cannot let anybody in at the moment.', 'It has a problem of its own, or cannot get the keys that tokens are checked with.'],
  TOKEN_NEEDED: ['The service wants a token.', 'It lets nobody through to this camera without one, and says nothing about the camera before. Paste the token that you were given.'],
  TOKEN_REFUSED: ['The service does not take this token.', 'It has expired, was taken back, or comes from somebody whom the service does not know. Paste another.'],
  TOKEN_FORBIDDEN: ['This token is not for this camera.', 'The service knows whose it is, but it leads to another camera or is for another purpose. Paste another.'],
  TOKEN_MALFORMED: ['This is no token.', 'Part of it was lost on the way here, or something else was copied along. Copy all of it again.'],
  TOKEN_ELSEWHERE: ['This token is for another camera.', 'It was not sent. Ask for one for this camera.'],
  TOKEN_UNVERIFIED: ['This token is for the camera itself, and nobody has proved to be it.', 'It was not sent. Open a link that has the camera\'s fingerprint, or sign in with a password first.'],
  TOKEN_INVALID: ['The camera does not take this token.', 'It has expired, or was made for another camera or by somebody whom the camera does not trust.'],
  TOKEN_NOBODY: ['The camera knows nobody by this token.', 'The token itself is good. Ask the camera\'s owner to give its bearer access.'],
  TOKEN_UNSUPPORTED: ['This camera takes no such tokens.', 'Ask its owner for another way in.'],
  TOKEN_THROTTLED: ['Too many tokens.', 'The camera takes one every five seconds. Wait a moment and try again.'],
  ERR_SIGNALING_CONNECTION: ['The connection to the service was lost for good.', 'Is it still running, and are you online?'],
  ERR_HTTP_UNREACHABLE: ['The service does not answer.', 'Is it still running, and are you online?'],
  ERR_HTTP_TIMEOUT: ['The service does not answer in time.', 'Is it still running, and are you online?'],
  // One answer for both, here as on the camera: whoever guesses names learns nothing.
  ERR_PASSWORD_WRONG: ['That did not open it.', 'There is no such user, or it is not this user\'s password. Look out for capital letters, and for spaces at the ends.'],
  ERR_PASSWORD_THROTTLED: ['Too many attempts.', 'The camera takes no password for a moment, whoever asks. Wait ten seconds and try again.'],
  ERR_PASSWORD_UNSUPPORTED: ['This camera takes no passwords.', 'Ask its owner for another way in.'],
  ERR_PASSWORD_FAILED: ['The camera could not check the password.', 'Try again; its log says what is wrong when that does not help.'],
  ERR_CLIENT_UNVERIFIED: ['The camera has not proved yet who it is.', 'Nothing of yours is sent before it has. Try again.'],
  ERR_CLIENT_ENDED: ['The connection to the camera ended meanwhile.', 'Try again when it is back.'],
  ERR_CLIENT_ANSWER: ['The camera and this page do not understand each other.', 'They may be of versions too far apart; update the older one.'],
  ERR_DEVICE_FORBIDDEN: ['The camera does not let you do that.', 'Your role is not allowed to; ask an administrator of the camera.'],
  ERR_DEVICE_UNAUTHENTICATED: ['The camera wants to know who you are first.', 'Sign in, then try again.'],
  ERR_DEVICE_NOT_FOUND: ['The camera knows no such thing.', 'It may be gone already, or switched off on this camera.'],
  ERR_DEVICE_CONFLICT: ['There is one already.', 'Choose another name. A browser can belong to one user at a time.'],
  ERR_DEVICE_REFUSED: ['The camera said no.', ''],
  ERR_COAP_TIMEOUT: ['The camera did not answer in time.', 'Try again; what you asked for may or may not have been done.'],
}

/** Whether nobody can tell who is at the other end. */
export const isAlarm = (code: string): boolean => Object.hasOwn(alarms, code)

export function wordsFor(code: string): Words {
  return alarms[code] ?? failures[code] ?? [`Something went wrong (${code}).`, 'The documentation lists every code.']
}

/** By which the words for an error are found. */
export function codeOf(error: unknown): string {
  if (error instanceof HttpError && error.code === 'ERR_SIGNALING_HTTP') return codeOfStatus(error)
  return error instanceof SignalingError ? error.errorCode : error instanceof LenskeyError ? error.code : 'INTERNAL_ERROR'
}

/** docs/rendezvous.md: 401 without a token that holds, 403 for one that holds for something else. */
function codeOfStatus({ statusCode, code }: HttpError): string {
  if (statusCode === 401) return 'TOKEN_REFUSED'
  if (statusCode === 403) return 'TOKEN_FORBIDDEN'
  return statusCode >= 500 ? 'SERVICE_TROUBLE' : code
}

/** Failures that another token mends. */
export const isAboutToken = (code: string): boolean => ['TOKEN_NEEDED', 'TOKEN_REFUSED', 'TOKEN_FORBIDDEN'].includes(code)

/** What the camera says to an OAuth token (protocol/edge-webrtc.md §6), by the code that has words for it. */
export function codeOfTokenRefusal({ responseCode, diagnostic }: RefusedError): string | undefined {
  if (responseCode === '4.01') return 'TOKEN_INVALID'
  if (responseCode === '4.29') return 'TOKEN_THROTTLED'
  // 4.04 is also what a camera says that has no such endpoint.
  if (responseCode === '4.04') return diagnostic === 'no such user' ? 'TOKEN_NOBODY' : 'TOKEN_UNSUPPORTED'
  return undefined
}

/** Why a track does not flow (protocol/edge-webrtc.md §2.4), to follow a colon. */
export const trackErrorWords: Readonly<Record<Exclude<TrackError, 'OK'>, string>> = {
  ACCESS_DENIED: 'your role on the camera does not allow it.',
  UNKNOWN_TRACK_ID: 'the camera knows nothing of that name.',
  INVALID_CODECS: 'the camera and this browser have no format for it in common.',
  UNKNOWN_ERROR: 'the camera refused it and gave no reason.',
}
