import { LenskeyError } from '../../../lib/errors.ts'
import { SignalingError } from '../../../lib/signaling/index.ts'

/** What to do about an error, where its message cannot know: the command line it happened on. */
const hints: Partial<Record<string, string>> = {
  ERR_USAGE: 'add --help to see what the command takes',
  ERR_TOKEN_COMMAND: 'run it by hand: it prints the token alone on its first line and ends with code 0',
  ERR_SERVE_CONFIG: 'docs/serve-config.md has every member, serve-config.schema.json the same for an editor',
  ERR_FILE_EXISTS: 'choose another name, or remove the old file if nothing uses it',
  ERR_FILE_PERMISSION: 'check who owns it and its mode',
  ERR_HTTP_UNREACHABLE: 'is the service running there? start one with `lenskey serve`',
  ERR_HTTP_TIMEOUT: 'is the service running there, and is nothing in between?',
  ERR_ADDRESS_IN_USE: 'stop what listens there, or choose another port with --listen (of a camera: --local)',
  ERR_ADDRESS_UNKNOWN: 'leave the host out to listen on 127.0.0.1, or use 0.0.0.0 for every address',
  ERR_ADMIN_UNREACHABLE: 'is the service running there? start one with `lenskey serve`',
  ERR_SIGNALING_PRODUCT_ID_NOT_FOUND: 'make the product and the device known with `lenskey register`',
  ERR_SIGNALING_DEVICE_ID_NOT_FOUND: 'make the device known with `lenskey register`',
  ERR_SIGNALING_HTTP: 'the rendezvous said no: of a camera, is its key registered and its clock right? Of a viewer, does the product ask for a token (--access-token-file)?',
  VERIFICATION_ERROR: 'camera and viewer need the same shared secret',
  ACCESS_DENIED: 'the camera demands a client access token',
  CHANNEL_CLOSED: 'the camera ended the session; is it being stopped?',
  ERR_PROFILE: 'pair again with `lenskey pair LINK --profile FILE`',
  ERR_CHALLENGE_DEVICE: 'compare with the fingerprint that the camera prints; if it is right, somebody stands between',
  ERR_CHALLENGE_CLIENT_FINGERPRINT: 'somebody stands between you and the camera; nothing was sent',
  ERR_CHALLENGE_DEVICE_FINGERPRINT: 'somebody stands between you and the camera; nothing was sent',
  ERR_WEBRTC_HANDSHAKE: 'somebody may stand between you and the camera; nothing was sent',
  ERR_PASSWORD_WRONG: 'a link works once: was it used before?',
  ERR_DEVICE_FORBIDDEN: 'ask an administrator of the camera; `lenskey iam explain` says what decided',
  NO_MORE_CHANNELS: 'close another viewer, or start the camera with a larger --max-viewers',
  ERR_SIGNALING_DEVICE_OFFLINE: 'start the camera with `lenskey camera`',
}

export function hintFor(error: LenskeyError): string | undefined {
  return hints[error instanceof SignalingError ? error.errorCode : error.code]
}

/** Anything thrown as an error with a code. What nobody expected keeps its message and loses its stack. */
export function asLenskeyError(thrown: unknown): LenskeyError {
  if (thrown instanceof LenskeyError) {
    // The function for tokens is one of ours, and what it says is meant for people.
    return thrown.code === 'ERR_SIGNALING_ACCESS_TOKEN' && thrown.cause instanceof LenskeyError ? thrown.cause : thrown
  }
  if (isSystemError(thrown)) {
    return new LenskeyError('ERR_SYSTEM', thrown.message)
  }
  if (thrown instanceof RangeError || thrown instanceof TypeError) return new LenskeyError('ERR_ARGUMENT', thrown.message)
  return new LenskeyError('ERR_UNEXPECTED', thrown instanceof Error ? thrown.message : String(thrown))
}

interface SystemError extends Error {
  code: string
}

export function isSystemError(thrown: unknown): thrown is SystemError {
  return thrown instanceof Error && 'syscall' in thrown && 'code' in thrown && typeof thrown.code === 'string'
}
