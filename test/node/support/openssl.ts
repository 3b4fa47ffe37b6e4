import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../../../lib/runtime/index.ts'

/** The random source of this machine. */
export const systemRandom: Random = { bytes: (length) => randomBytes(length) }

/** Runs the openssl program in `folder`. */
export function openssl(folder: string, ...args: string[]): Buffer {
  return execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** An own P-256 key in `folder`, in every form of protocol/webrtc-signaling.md §1.3, made by the openssl program. */
export function opensslKeys(folder: string): { forms: Record<string, string>; publicPem: string } {
  const run = (...args: string[]): string => openssl(folder, ...args).toString()
  const parameters = run('ecparam', '-name', 'prime256v1', '-genkey')
  const sec1 = parameters.slice(parameters.indexOf('-----BEGIN EC PRIVATE KEY'))
  writeFileSync(join(folder, 'key.pem'), sec1)
  writeFileSync(join(folder, 'no-public.pem'), run('ec', '-in', 'key.pem', '-no_public'))
  const pkcs8 = run('pkcs8', '-topk8', '-nocrypt', '-in', 'key.pem')
  const forms = {
    'SEC1 with EC PARAMETERS': parameters,
    SEC1: sec1,
    'SEC1 without the public key': run('ec', '-in', 'key.pem', '-no_public'),
    'SEC1 with a compressed public key': run('ec', '-in', 'key.pem', '-conv_form', 'compressed'),
    'PKCS#8': pkcs8,
    'PKCS#8 without the public key': run('pkcs8', '-topk8', '-nocrypt', '-in', 'no-public.pem'),
    'PKCS#8 by pkey, as text too': run('pkey', '-in', 'key.pem', '-text'),
    'CRLF line ends': parameters.replace(/\n/g, '\r\n'),
    'flattened line ends': pkcs8.replace(/\n/g, ' '),
    'raw hexadecimal': rawScalar(run('pkey', '-in', 'key.pem', '-noout', '-text')),
  }
  return { forms, publicPem: run('ec', '-in', 'key.pem', '-pubout') }
}

/** The scalar from openssl's listing: lines of colon-separated bytes after "priv:". */
function rawScalar(listing: string): string {
  const [, block = ''] = /priv:\s*([0-9a-f:\s]+?)pub:/.exec(listing) ?? []
  return block.replace(/[^0-9a-f]/g, '').padStart(64, '0').slice(-64)
}
