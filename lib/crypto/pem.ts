import { encodeBase64url, portableBase64url } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'

/** Longest text that is searched: keys are under 1 KiB, the rest is for text and certificates around them. */
export const MAX_KEY_TEXT_LENGTH = 65_536

/** One block of RFC 7468 text. */
export interface PemBlock {
  /** Such as `EC PRIVATE KEY`. */
  label: string
  /** Whether its header says that the content is encrypted (RFC 1421 §4.6.1.1). */
  encrypted: boolean
  /** The content between the lines, not decoded yet. */
  body: string
}

const BEGIN = '-----BEGIN '
const DASHES = '-----'

/**
 * All blocks of a text. Takes what people paste: text around the blocks, CRLF, line ends flattened to spaces or written
 * as `\n`.
 * @throws {LenskeyError} `ERR_KEY_TOO_LARGE` for more than 65,536 characters, `ERR_KEY_FORMAT` for a block without its end
 */
export function findPemBlocks(text: string): PemBlock[] {
  checkKeyLength(text)
  const blocks: PemBlock[] = []
  let at = text.indexOf(BEGIN)
  while (at >= 0) {
    const labelEnd = text.indexOf(DASHES, at + BEGIN.length)
    const label = text.slice(at + BEGIN.length, labelEnd)
    const end = `-----END ${label}-----`
    const bodyEnd = labelEnd < 0 ? -1 : text.indexOf(end, labelEnd)
    if (bodyEnd < 0) throw new LenskeyError('ERR_KEY_FORMAT', 'the key file is cut short: a BEGIN line has no END line')
    const body = text.slice(labelEnd + DASHES.length, bodyEnd)
    blocks.push({ label, body, encrypted: label.startsWith('ENCRYPTED ') || body.includes('Proc-Type:') })
    at = text.indexOf(BEGIN, bodyEnd + end.length)
  }
  return blocks
}

/** @throws {LenskeyError} `ERR_KEY_TOO_LARGE` */
export function checkKeyLength(text: string): void {
  if (text.length > MAX_KEY_TEXT_LENGTH) throw new LenskeyError('ERR_KEY_TOO_LARGE', `a key has at most ${MAX_KEY_TEXT_LENGTH} characters`)
}

/** @throws {LenskeyError} `ERR_KEY_FORMAT` when the content is not base64 (RFC 4648 §4), `ERR_BASE64URL` when it is cut short */
export function decodePemBody({ label, body }: PemBlock): Uint8Array {
  const digits = body.replace(/\\[rn]|\s/g, '')
  const plain = digits.replace(/={1,2}$/, '')
  const padded = digits.length === plain.length || digits.length % 4 === 0
  if (!padded || !/^[A-Za-z0-9+/]+$/.test(plain)) {
    throw new LenskeyError('ERR_KEY_FORMAT', `the content of the ${label} block is not base64; copy the file again, unchanged`)
  }
  // In the language alone: the host's coders leave what they decode in memory that other views share.
  return portableBase64url.decode(plain.replace(/\+/g, '-').replace(/\//g, '_'))
}

/** Lines of 64 characters, each ended (RFC 7468 §2). */
export function encodePem(label: string, bytes: Uint8Array): string {
  const digits = encodeBase64url(bytes).replace(/-/g, '+').replace(/_/g, '/')
  const padded = digits + '='.repeat((4 - (digits.length % 4)) % 4)
  const lines = padded.match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
