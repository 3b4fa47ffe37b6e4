import { encodeUtf8 } from '../bytes/index.ts'

/** Bytes of UTF-8 where nothing else is said; defaults as in protocol/iam.md §4. Enforced when a state is loaded and ever after. */
export interface IamLimits {
  /** Default 64. */
  username: number
  /** Of users and of their fingerprints. Default 64. */
  displayName: number
  /** Default 4. */
  passwordMin: number
  /** Default 64. */
  passwordMax: number
  /** At least 12, the length of those made here. Default 64. */
  serverConnectToken: number
  /** Default 64. */
  oauthSubject: number
  /** Default 64. */
  friendlyName: number
  /** Default 1024; one less over CoAP. */
  fcmToken: number
  /** Default 256; one less over CoAP. */
  fcmProjectId: number
  /** How many. Default: as many as `stateBytes` takes. */
  users: number
  /** The whole state as a file, so that what is written can be read again. Default 262,144. */
  stateBytes: number
  /** Changes that wait for those before them to be written. Default 32. */
  waitingChanges: number
}

export const DEFAULT_IAM_LIMITS: Readonly<IamLimits> = {
  username: 64,
  displayName: 64,
  passwordMin: 4,
  passwordMax: 64,
  serverConnectToken: 64,
  oauthSubject: 64,
  friendlyName: 64,
  fcmToken: 1024,
  fcmProjectId: 256,
  users: Infinity,
  stateBytes: 262_144,
  waitingChanges: 32,
}

/** Length in UTF-8, which all limits count. */
export function fits(text: string, maxBytes: number): boolean {
  return text.length <= maxBytes && encodeUtf8(text).length <= maxBytes
}

/** Lower case only; the empty name is that of the open-pairing password (protocol/iam.md §4). */
export function isLegalUsername(name: string): boolean {
  return /^[a-z0-9_.-]+$/.test(name)
}

export function isLegalPassword(password: string, { passwordMin, passwordMax }: IamLimits): boolean {
  return fits(password, passwordMax) && encodeUtf8(password).length >= passwordMin
}

/** 64 digits of either case. */
export function isFingerprint(text: string): boolean {
  return /^[0-9a-fA-F]{64}$/.test(text)
}
