import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import tap from 'tap'
import { deviceAudience } from '../../lib/access/index.ts'
import { keyServer } from './support/key-server.ts'
import { request, serve, temporaryFolder } from './support/service.ts'

const run = promisify(execFile)
const DEVICE = deviceAudience({ productId: 'wp-a', deviceId: 'wd-front' })

void tap.test('the exchange of protocol/edge-webrtc.md §6, asked by curl and checked by jose', async (t) => {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const server = await keyServer(t)
  server.keys = [{ ...await exportJWK(publicKey), kid: 'rsa' }]
  const dataDir = temporaryFolder(t)
  const issuer = 'https://sts.example.org/sts'
  const service = await serve(t, { dataDir, sts: { issuer, subjectIssuers: [{ issuer: 'https://id.test', audience: 'sts', jwksUri: server.url }], devices: 'devices' } })
  const subject = await new SignJWT({ devices: ['wp-a.wd-front'] }).setProtectedHeader({ alg: 'RS256', kid: 'rsa' }).setIssuer('https://id.test').setAudience('sts')
    .setSubject('someone').setIssuedAt().setExpirationTime('5 min').sign(privateKey)
  const curl = async (fields: Record<string, string>): Promise<Record<string, unknown>> => {
    const { stdout } = await run('curl', ['-s', '-X', 'POST', `${service.url}/sts/token`, ...Object.entries(fields).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`])])
    return JSON.parse(stdout) as Record<string, unknown>
  }
  const fields = {
    client_id: 'app', grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: subject,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', resource: DEVICE,
  }
  const answer = await curl(fields)
  t.match(answer, { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer' })
  t.ok(Number(answer.expires_in) > 290 && Number(answer.expires_in) <= 300)
  const set = createRemoteJWKSet(new URL(`${service.url}/sts/.well-known/jwks.json`))
  const { payload, protectedHeader } = await jwtVerify(String(answer.access_token), set, { issuer, audience: DEVICE, algorithms: ['ES256'], typ: 'at+jwt' })
  t.match(payload, { sub: 'someone', client_id: 'app' })
  t.match(protectedHeader.kid, /^[0-9a-f]{16}$/)
  t.match(await curl({ ...fields, resource: DEVICE.replace('front', 'back') }), { error: 'invalid_target', error_description: String })
  t.match(await curl({ ...fields, grant_type: 'password' }), { error: 'unsupported_grant_type' })
  t.match(await curl({ ...fields, subject_token: 'a.b.c' }), { error: 'invalid_request' })
  const json = await request(`${service.url}/sts/token`, 'POST', { body: fields })
  t.match(json, { status: 400, body: { error: 'invalid_request' } })
  t.equal(json.headers.get('cache-control'), 'no-store')
  for (const path of ['/.well-known/oauth-authorization-server/sts', '/sts/.well-known/oauth-authorization-server']) {
    t.match((await request(service.url + path, 'GET')).body, { issuer, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/.well-known/jwks.json` })
  }
  t.equal(statSync(join(dataDir, 'sts-keys.json')).mode & 0o777, 0o600)
})

void tap.test('no exchange unless it is configured', async (t) => {
  const service = await serve(t)
  t.equal((await request(`${service.url}/sts/token`, 'POST', { body: {} })).status, 404)
  t.equal((await request(`${service.url}/sts/.well-known/jwks.json`, 'GET')).status, 404)
})
