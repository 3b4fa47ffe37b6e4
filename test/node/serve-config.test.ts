// The file of `lenskey serve --config`: our reading of the schema beside that of ajv (which Fastify brings), the documents, and the service.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import tap, { type Test } from 'tap'
import { findFault, type Schema } from '../../runtimes/node/cli/config-schema.ts'
import schemaFile from '../../runtimes/node/cli/serve-config.schema.json'
import { type Finished, runCli, startCli, temporaryFolder } from './support/cli.ts'
import { makeKey } from './support/service.ts'

tap.setTimeout(170_000)

const schema = schemaFile as Schema
type Json = Record<string, unknown>

/** Every file that the documents show. */
function examples(): Json[] {
  const blocks = [...readFileSync('docs/serve-config.md', 'utf8').matchAll(/```json\n([^]*?)```/g)].map(([, text]) => JSON.parse(text) as Json)
  return blocks
}

/** A copy with one member, a.b.0.c, changed; undefined takes it away. */
function changed(value: Json, path: string, to: unknown): Json {
  const copy = structuredClone(value)
  const parts = path.split('/')
  const last = parts.pop() ?? ''
  let at: Record<string, unknown> = copy
  for (const part of parts) at = at[part] as Record<string, unknown>
  if (to === undefined) Reflect.deleteProperty(at, last)
  else Object.defineProperty(at, last, { value: to, enumerable: true, configurable: true, writable: true })
  return copy
}

function ajvOf(t: Test): (value: unknown) => Promise<boolean> {
  const server: FastifyInstance = fastify({ bodyLimit: 4_194_304, ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, strict: true, strictRequired: false, strictTypes: false, validateSchema: true } } })
  server.post('/', { schema: { body: schema } }, () => 'fine')
  t.teardown(() => server.close())
  return async (value) => (await server.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload: JSON.stringify(value) })).statusCode === 200
}

const RULE = 'sts/policy/allow/0'
const broken: [path: string, to: unknown, words: RegExp][] = [
  ['colour', 'blue', /^colour is not known; the file may have listen, data/],
  ['adminToken', 'hunter2', /^adminToken is not known/],
  ['__proto__', {}, /^__proto__ is not known/],
  ['two words', 1, /^"two words" is not known/],
  ['listen', 8080, /^listen must be HOST:PORT/],
  ['listen', 'nowhere', /^listen must be HOST:PORT/],
  ['listen', '127.0.0.1:65536', /^listen must be HOST:PORT/],
  ['data', '', /^data must not be empty/],
  ['data', 'x'.repeat(4097), /^data must have at most 4096 characters/],
  ['databaseUrlFile', null, /^databaseUrlFile must be the path of a file/],
  ['adminTokenFile', ['x'], /^adminTokenFile must be the path of a file/],
  ['publicUrl', 'cams.example.org', /^publicUrl must be an http: or https: URL/],
  ['trustedProxies', '10.0.0.1', /^trustedProxies must be a list/],
  ['trustedProxies', ['proxy'], /^trustedProxies\[0\] must be an address or a range/],
  ['trustedProxies', Array.from({ length: 33 }, () => '10.0.0.1'), /^trustedProxies must have at most 32 entries/],
  ['verbose', 'yes', /^verbose must be true or false/],
  ['stun', ['turn:x'], /^stun\[0\] must be stun:HOST:PORT/],
  ['stun', [7], /^stun\[0\] must be stun:HOST:PORT/],
  ['turn', [], /^turn must be an object with urls and secretFile/],
  ['turn/secret', 'inline', /^turn\.secret is not known; turn may have urls, secretFile, lifetimeSeconds/],
  ['turn/secretFile', undefined, /^turn\.secretFile is missing/],
  ['turn/urls', [], /^turn\.urls must have at least 1 entry/],
  ['turn/urls', ['turn:x', 'turn:y?transport=tls'], /^turn\.urls\[1\] must be turn:HOST:PORT/],
  ['turn/lifetimeSeconds', '900', /^turn\.lifetimeSeconds must be a whole number of seconds/],
  ['turn/lifetimeSeconds', 60.5, /^turn\.lifetimeSeconds must be a whole number of seconds/],
  ['turn/lifetimeSeconds', 59, /^turn\.lifetimeSeconds must be from 60 to 86400/],
  ['turn/lifetimeSeconds', 86_401, /^turn\.lifetimeSeconds must be from 60 to 86400/],
  ['sts/issuer', 'http://cams.example.org/sts', /^sts\.issuer must be an https: URL/],
  ['sts/subjectIssuers', undefined, /^sts\.subjectIssuers is missing/],
  ['sts/subjectIssuers', [], /^sts\.subjectIssuers must have at least 1 entry/],
  ['sts/subjectIssuers/1/audience', undefined, /^sts\.subjectIssuers\[1\]\.audience is missing/],
  ['sts/subjectIssuers/0/keys', 'http://id.example.org/jwks.json', /^sts\.subjectIssuers\[0\]\.keys must be an https: URL/],
  ['sts/devicesClaim', 'devices', /^sts must have exactly one of devicesClaim, policyFile, policy/],
  ['sts/policy', undefined, /^sts must have exactly one of/],
  ['sts/policy/allow', {}, /^sts\.policy\.allow must be a list of rules/],
  ['sts/policy/allow', Array.from({ length: 10_001 }, () => ({ subject: 'x', devices: [] })), /^sts\.policy\.allow must have at most 10000 entries/],
  [`${RULE}/subject`, undefined, /^sts\.policy\.allow\[0\] must have one of subject, claim/],
  [`${RULE}/subjects`, 'x', /^sts\.policy\.allow\[0\]\.subjects is not known/],
  [`${RULE}/claim`, 'groups', /^sts\.policy\.allow\[0\]\.has is missing: it goes with claim/],
  [`${RULE}/has`, 'installers', /^sts\.policy\.allow\[0\]\.claim is missing: it goes with has/],
  [`${RULE}/devices`, ['WP-A.wd-front'], /^sts\.policy\.allow\[0\]\.devices\[0\] must be PRODUCT\.CAMERA/],
  ['sts/keyFiles', [], /^sts\.keyFiles must have at least 1 entry/],
  ['sts/key', '-----BEGIN', /^sts\.key is not known/],
  ['sts/lifetimeSeconds', 9, /^sts\.lifetimeSeconds must be from 10 to 86400/],
  ['products', [], /^products must be an object/],
  ['products', Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`wp-${at}`, {}])), /^products must have at most 1000 members/],
  ['products/WP-Showroom', {}, /^products\.WP-Showroom must be the ID of a product/],
  [`products/${'a'.repeat(65)}`, {}, /must be the ID of a product/],
  ['products/wp-showroom/open', true, /^products\.wp-showroom\.open is not known; products\.wp-showroom may have anonymousClients/],
  ['products/wp-showroom/anonymousClients', 'no', /^products\.wp-showroom\.anonymousClients must be true or false/],
  ['products/wp-showroom/clientJwt/claim', undefined, /^products\.wp-showroom\.clientJwt\.claim is missing/],
  ['products/wp-showroom/clientJwt/jwksUri', 'ftp://x', /^products\.wp-showroom\.clientJwt\.jwksUri must be an https: URL/],
  ['products/wp-showroom/clientJwt', true, /^products\.wp-showroom\.clientJwt must be null, or an object/],
]

void tap.test('the schema: the documents fit it, every broken variant does not, and ajv reads it as we do', async (t) => {
  const accepts = ajvOf(t)
  const [small, whole] = examples()
  for (const example of [small, whole, {}]) {
    t.equal(findFault(schema, example), undefined)
    t.ok(await accepts(example), 'ajv: an example of the documents')
  }
  const atTheBound: [string, unknown][] = [
    ['listen', '8080'], ['listen', '[::1]:65535'], ['data', 'x'.repeat(4096)], ['turn/lifetimeSeconds', 60], ['turn/lifetimeSeconds', 86_400], ['sts/lifetimeSeconds', 10],
    ['data', '😀'.repeat(4096)], [`products/${'a'.repeat(64)}`, {}], ['sts/subjectIssuers/0/keys', 'http://127.0.0.1:1/jwks'], ['sts/issuer', 'http://localhost/sts'],
    ['products', Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`wp-${at}`, {}]))],
  ]
  for (const [path, to] of atTheBound) {
    t.equal(findFault(schema, changed(whole, path, to)), undefined, path)
    t.ok(await accepts(changed(whole, path, to)), `ajv: ${path}`)
  }
  for (const [path, to, words] of broken) {
    const value = changed(whole, path, to)
    t.match(findFault(schema, value), words, path)
    // Fastify's own parser refuses this name, whatever the schema says.
    t.notOk(await accepts(value), `ajv: ${path}`)
  }
  for (const value of [null, [], 'x', 7]) {
    t.match(findFault(schema, value), /^the file must be the settings/)
    t.notOk(await accepts(value))
  }
})

void tap.test('the schema: every member is explained, every member of the documents is there, and none is left out', (t) => {
  const [, whole] = examples()
  const unseen: string[] = []
  const see = (part: Schema, values: unknown[], name: string): void => {
    if (name !== '') t.ok(part.title !== undefined && part.description !== undefined, `${name} has a title and a description`)
    for (const [member, below] of Object.entries(part.properties ?? {})) {
      const found = values.flatMap((value) => (typeof value === 'object' && value !== null && member in value ? [(value as Json)[member]] : []))
      if (found.length === 0) unseen.push(`${name}/${member}`)
      see(below, found, `${name}/${member}`)
    }
    if (part.items !== undefined) see(part.items, values.flat(), `${name}/*`)
    if (typeof part.additionalProperties === 'object') see(part.additionalProperties, values.flatMap((value) => Object.values(value as Json)), `${name}/*`)
  }
  see(schema, [whole], '')
  t.strictSame(unseen, ['/sts/devicesClaim', '/sts/policyFile'], 'the whole example has all but what policy stands for')
  t.end()
})

/** A folder with files for a whole configuration. */
async function scene(t: Test): Promise<{ folder: string; write: (config: unknown) => string; check: (config: unknown, ...more: string[]) => Promise<Finished>; people: CryptoKey; config: Json; ownerKid: string }> {
  const folder = temporaryFolder(t)
  const owner = makeKey()
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const files: Record<string, string> = {
    'people.json': JSON.stringify({ keys: [{ ...await exportJWK(publicKey), kid: 'one' }] }), 'turn-secret': 'north\n', 'admin-token': 'an-admin-token-of-at-least-32-characters\n', 'owner.pub': owner.publicPem,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
  const write = (config: unknown): string => {
    const file = join(folder, 'serve.json')
    writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config))
    return file
  }
  return {
    folder, write, people: privateKey, ownerKid: owner.productKid,
    check: (config, ...more) => runCli(t, ['serve', '--config', write(config), ...more]),
    config: {
      listen: '127.0.0.1:0', data: 'data', adminTokenFile: 'admin-token', publicUrl: 'https://cams.example.org',
      stun: ['stun:127.0.0.1:3478'], turn: { urls: ['turn:127.0.0.1:3478'], secretFile: 'turn-secret', lifetimeSeconds: 60 },
      sts: {
        subjectIssuers: [{ issuer: 'https://id.test', audience: 'sts', keys: 'people.json' }], lifetimeSeconds: 60,
        policy: { allow: [{ subject: 'maria', devices: ['wp-a.wd-front'] }] },
      },
      products: {
        'wp-a': { anonymousClients: false, serverConnectTokens: true, keyFiles: ['owner.pub'] },
        'wp-b': { clientJwt: { issuer: 'https://id.test', audience: 'rendezvous', jwksUri: 'https://id.test/jwks', claim: 'devices' } },
      },
    },
  }
}

void tap.test('a service from its file: products, exchange, and the command line before it', async (t) => {
  const { folder, write, people, config, ownerKid } = await scene(t)
  const file = write(config)
  const adminToken = ['--admin-token-file', join(folder, 'admin-token')]
  const start = async (...more: string[]): Promise<{ url: string; product: (id: string, ...words: string[]) => Promise<Finished>; stop: () => Promise<Finished> }> => {
    const service = startCli(t, ['serve', '--config', file, '--json', ...more])
    const url = String((await service.event(({ event }) => event === 'serving')).url)
    const product = (id: string, ...words: string[]): Promise<Finished> => runCli(t, ['product', ...words, '--endpoint', url, '--product', id, ...adminToken, '--json'])
    return { url, product, stop: () => service.interrupt() }
  }
  const exchange = async (url: string, subject: string): Promise<Json> => {
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'one' }).setIssuer('https://id.test').setAudience('sts').setSubject(subject).setIssuedAt().setExpirationTime('5 min').sign(people)
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', client_id: 'any', subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', resource: 'nabto://device?productId=wp-a&deviceId=wd-front',
    })
    return await (await fetch(`${url}/sts/token`, { method: 'POST', body })).json() as Json
  }

  const first = await start()
  const shown = JSON.parse((await first.product('wp-a', 'show')).out) as Json
  t.strictSame(shown, { product: 'wp-a', anonymousClients: false, serverConnectTokens: true, clientJwt: null, keys: [ownerKid] })
  t.match(JSON.parse((await first.product('wp-b', 'show')).out), { anonymousClients: true, serverConnectTokens: false, clientJwt: { issuer: 'https://id.test', claim: 'devices' }, keys: [] })
  t.match(await exchange(first.url, 'maria'), { token_type: 'Bearer', expires_in: 60 })
  t.match(await exchange(first.url, 'eve'), { error: 'invalid_target' })
  t.match(await (await fetch(`${first.url}/sts/.well-known/oauth-authorization-server`)).json(), { issuer: 'https://cams.example.org/sts' })

  // What the file does not say stays; `show` makes nothing.
  t.match(await first.product('wp-none', 'show'), { code: 1, err: /404.*no product/ })
  t.match(await first.product('wp-none', 'show'), { code: 1 }, 'not made by the look')
  t.match(JSON.parse((await first.product('wp-b', 'set', '--sct', 'yes')).out), { serverConnectTokens: true })
  t.match(JSON.parse((await first.product('wp-c', 'set', '--add-key', join(folder, 'owner.pub'))).out), { anonymousClients: true, keys: [ownerKid] })
  t.match(JSON.parse((await first.product('wp-c', 'set', '--remove-key', ownerKid)).out), { keys: [] })
  t.match(await first.product('wp-c', 'set', '--remove-key', ownerKid), { code: 1, err: /no such key/ })
  t.match(await first.product('wp-c', 'show', '--sct', 'yes'), { code: 2, err: /show takes no settings/ })
  t.match(await first.product('wp-c', 'dance'), { code: 2, err: /TASK is show or set/ })
  t.match(JSON.parse((await first.product('wp-a', 'set', '--open', 'yes')).out), { anonymousClients: true })
  const ended = await first.stop()
  t.equal(ended.code, 0)
  t.notMatch(`${ended.out}${ended.err}`, /north|an-admin-token/)

  mkdirSync(join(folder, 'other'))
  writeFileSync(join(folder, 'other/policy.json'), JSON.stringify({ allow: [{ subject: 'eve', devices: ['wp-a.*'] }] }))
  const second = await start('--sts-policy-file', join(folder, 'other/policy.json'), '--sts-lifetime', '30')
  t.match(JSON.parse((await second.product('wp-a', 'show')).out), { anonymousClients: false, keys: [ownerKid] }, 'as the file says, again')
  t.match(JSON.parse((await second.product('wp-b')).out), { serverConnectTokens: true, clientJwt: { claim: 'devices' } }, 'what it leaves out stays')
  t.match(await exchange(second.url, 'eve'), { expires_in: 30 }, 'the options of the command line')
  t.match(await exchange(second.url, 'maria'), { error: 'invalid_target' }, 'and not the list of the file')
  await second.stop()
})

void tap.test('a file that is wrong stops the start, names the member, and repeats no value', async (t) => {
  const { folder, write, check, config } = await scene(t)
  const wrong: [unknown, RegExp][] = [
    ['{"data": "hunter2",}', /ERR_SERVE_CONFIG: .*serve\.json: it is no JSON/],
    [changed(config, 'turn/secret', 'hunter2'), /ERR_SERVE_CONFIG: .*serve\.json: turn\.secret is not known/],
    [changed(config, 'products/wp-b/clientJwt/audience', 'nabto://device?productId=wp-b&deviceId=hunter2'), /ERR_SERVE_CONFIG: .*products\.wp-b: clientJwt\.audience must be/],
    [changed(config, 'products/wp-a/keyFiles', ['turn-secret']), /ERR_SERVE_CONFIG: .*products\.wp-a: /],
    [changed(config, 'products/wp-a/keyFiles', ['none.pem']), /ERR_SERVE_CONFIG: .*products\.wp-a: cannot read .*none\.pem/],
    [changed(config, 'turn/secretFile', 'none'), /ERR_FILE_NOT_FOUND: cannot read .*none/],
  ]
  for (const [value, words] of wrong) {
    const { code, out, err } = await check(value)
    t.equal(code, 1)
    t.equal(out, '')
    t.match(err, words)
    t.notMatch(err, /hunter2|\n\s+at |north/)
  }
  t.match(await check(changed(config, 'publicUrl', undefined)), { code: 2, err: /sts\.issuer or publicUrl/ })
  t.match(await check(changed(config, 'data', undefined)), { code: 2, err: /--data is needed/ })
  t.match(await check(config, '--sts-subject-issuer', 'https://other.test'), { code: 2, err: /goes with one --sts-subject-audience/ }, 'issuers of both places are not mixed')
  t.match(await runCli(t, ['serve', '--config', join(folder, 'none.json')]), { code: 1, err: /ERR_FILE_NOT_FOUND/ })
  write(`{"data":"data"${' '.repeat(1_048_576)}}`)
  t.match(await runCli(t, ['serve', '--config', join(folder, 'serve.json')]), { code: 1, err: /ERR_FILE_TOO_LARGE/ })
})
