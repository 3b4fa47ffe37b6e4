import { decodeUtf8, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { type CborValue, decodeCbor, encodeCbor } from '../../../lib/cbor/index.ts'
import { type CoapMethod, type CoapRequestOptions, type CoapResponse, contentFormats, isCoapSuccess } from '../../../lib/coap/index.ts'
import { cborToJson } from './cbor-json.ts'
import { readTarget, sessionOptions, withCamera } from './camera-session.ts'
import { type Command, UsageError, type Values } from './command.ts'

const methods = ['GET', 'POST', 'PUT', 'DELETE'] as const satisfies CoapMethod[]

export const coap: Command = {
  name: 'coap',
  summary: 'Send a request to a camera that has proved itself, and print the answer',
  operands: [
    { name: 'METHOD', help: methods.join(', ') },
    { name: 'PATH', help: 'such as /iam/me or /audit?before=100' },
  ],
  options: {
    'payload-cbor': { value: 'JSON', help: 'send this, written as JSON, in CBOR (Content-Format 60)' },
    'payload-json': { value: 'JSON', help: 'send this as JSON (Content-Format 50)' },
    'payload-text': { value: 'TEXT', help: 'send this as text (Content-Format 0)' },
    ...sessionOptions,
  },
  notes: [
    'Secrets do not belong into --payload options, which other users of this machine can read:',
    '`lenskey iam password` reads one from a file.',
  ],
  examples: [
    'lenskey coap GET /iam/me --profile camera.json',
    'lenskey coap PUT /iam/settings/password-open-pairing --payload-cbor true --profile camera.json',
  ],
  success: 'the camera answered 2.xx',
  async run(values, terminal) {
    const method = methods.find((candidate) => candidate === values.operand('METHOD')?.toUpperCase())
    if (method === undefined) throw new UsageError(`METHOD is ${methods.join(' or ')}`)
    const path = values.operand('PATH') ?? ''
    if (!path.startsWith('/')) throw new UsageError('PATH starts with a slash')
    const options = readPayload(values)
    const response = await withCamera(readTarget(values, terminal), values, terminal, (client) => client.coap(method, path, options))
    const { code, contentFormat } = response
    const payload = describePayload(response)
    terminal.print([
      `${code}${contentFormat === undefined ? '' : `  Content-Format ${contentFormat}`}`,
      ...(payload === undefined ? [] : [typeof payload === 'string' ? payload : JSON.stringify(payload, undefined, 2)]),
    ], { code, contentFormat, payload })
    return isCoapSuccess(code) ? 0 : 1
  },
}

function readPayload(values: Values): CoapRequestOptions {
  const given = (['payload-cbor', 'payload-json', 'payload-text'] as const).filter((name) => values.optional(name) !== undefined)
  if (given.length > 1) throw new UsageError(`choose one of --${given.join(' and --')}`)
  const name = given.at(0)
  if (name === 'payload-text') return { contentFormat: contentFormats.text, payload: encodeUtf8(values.string(name)) }
  if (name === undefined) return {}
  const value = parseJson(values.string(name), name)
  return name === 'payload-json'
    ? { contentFormat: contentFormats.json, payload: encodeUtf8(JSON.stringify(value)) }
    : { contentFormat: contentFormats.cbor, payload: encodeCbor(value) }
}

function parseJson(text: string, name: string): CborValue {
  try {
    return JSON.parse(text) as CborValue
  } catch {
    throw new UsageError(`--${name} is no JSON; a text needs quotes inside, such as --${name} '"text"'`)
  }
}

/** Decoded by its format; what cannot be read is shown in hexadecimal. Undefined where there is none. */
function describePayload({ contentFormat, payload = new Uint8Array(0) }: CoapResponse): unknown {
  if (payload.length === 0) return undefined
  try {
    if (contentFormat === contentFormats.cbor) return cborToJson(decodeCbor(payload))
    if (contentFormat === contentFormats.json) return JSON.parse(decodeUtf8(payload)) as unknown
    if (contentFormat === undefined || contentFormat === contentFormats.text) return JSON.stringify(decodeUtf8(payload)).slice(1, -1)
  } catch {
    // Shown as what it is.
  }
  return `h'${Buffer.from(payload).toString('hex')}'`
}
