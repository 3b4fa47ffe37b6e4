import { isObject } from '../../../lib/signaling/json.ts'
import { LenskeyError } from '../../../lib/errors.ts'
import { type Terminal } from './command.ts'
import { needAbsent, readSecretText, writeNew } from './files.ts'

/** Where a camera is, and who one is there: what `lenskey pair` leaves behind. */
export interface Profile {
  endpoint: string
  productId: string
  deviceId: string
  /** Of the camera's key, 64 hexadecimal digits. */
  fingerprint: string
  username: string
  password: string
  /** Lets through to the camera where the product asks for one. */
  serverConnectToken?: string
}

const members = ['endpoint', 'productId', 'deviceId', 'fingerprint', 'username', 'password'] as const

/** @throws {LenskeyError} `ERR_PROFILE`, and what reading a file throws */
export function readProfile(file: string, terminal: Pick<Terminal, 'note'>): Profile {
  const text = readSecretText(file, terminal)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (!isObject(value) || !members.every((name) => typeof value[name] === 'string') || !['string', 'undefined'].includes(typeof value.serverConnectToken)) {
    throw new LenskeyError('ERR_PROFILE', `${file} is no profile of a camera`)
  }
  return value as unknown as Profile
}

/** Makes sure before anything else that the profile can be kept. @throws {LenskeyError} `ERR_FILE_EXISTS` */
export const needNewProfile = needAbsent

/** For its owner alone: the password is in it. */
export function writeProfile(file: string, profile: Profile): void {
  writeNew(file, `${JSON.stringify(Object.fromEntries([...members, 'serverConnectToken' as const].map((name) => [name, profile[name]])), undefined, 2)}\n`, 0o600)
}
