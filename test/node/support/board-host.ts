import { execFile } from 'node:child_process'
import { createHmac, createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import tap, { type Test } from 'tap'
import { WebSocketServer } from 'ws'
import { skipWithout } from '../../../tools/requirements.mjs'
import { startProgram } from './board.ts'
import { childrenOf } from './processes.ts'
import { temporaryFolder } from './service.ts'
import { makeAuthority, type TestCertificate, tlsFront } from './tls-front.ts'

const run = promisify(execFile)
export type Probe = 'mbedtls' | 'openssl' | 'sanitized'

/** Built by `node build-board.mjs --probes`, which `npm test` does. */
export const programOf = (name: string): string => `build/board/probes/${name}`
export const skip = skipWithout('gcc') === false ? !existsSync(programOf('probe-mbedtls')) && 'run `node build-board.mjs --probes` first' : skipWithout('gcc')

export interface Outcome { code: number; lines: unknown[]; errors: string }

export async function probe(name: string, ...args: string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await run(programOf(`probe-${name}`), args, { timeout: 60_000 }).then(
    (done) => ({ code: 0, ...done }), (thrown: unknown) => thrown as { code: number; stdout: string; stderr: string })
  if (/runtime error|Sanitizer/.test(stderr)) throw new Error(stderr)
  return { code, lines: stdout.trim().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown), errors: stderr }
}

export async function listening(t: Test, server: Server | HttpServer): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise<void>((resolve) => {
    server.close(() => { resolve() })
    for (const socket of sockets) socket.destroy()
  }))
  return (server.address() as AddressInfo).port
}

/** A web server with an echoing WebSocket. */
export async function web(t: Test): Promise<number> {
  const server = createHttpServer((request, response) => {
    if (request.url === '/chunked') {
      response.write('a'.repeat(50_000))
      response.end('b')
    } else response.end('hello')
  })
  const sockets = new WebSocketServer({ server, perMessageDeflate: true, maxPayload: 1_048_576 })
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => { socket.send(data, { binary: isBinary }) })
    socket.on('error', () => undefined)
  })
  t.teardown(() => { sockets.close() })
  return listening(t, server)
}

/** Passes bytes on, changed or cut as told; what comes from the server in single bytes when `dribble`. */
export async function middle(t: Test, port: number, { dribble = false, cutAfter = Infinity } = {}): Promise<number> {
  return listening(t, createServer((front) => {
    const back = connect(port, '127.0.0.1')
    back.setNoDelay(true)
    front.setNoDelay(true)
    let passed = 0
    front.pipe(back)
    back.on('error', () => front.destroy())
    front.on('close', () => back.destroy())
    back.on('close', () => front.end())
    back.on('data', (bytes: Buffer) => {
      const allowed = bytes.subarray(0, Math.max(0, cutAfter - passed))
      passed += allowed.length
      if (dribble) for (const byte of allowed) front.write(Buffer.of(byte))
      else front.write(allowed)
      if (passed >= cutAfter) front.end()
    })
  }))
}

const messageOf = (lines: unknown[], at = 0): string => String((lines[at] as { message?: string }).message)

/** The C host with one TLS library, against real and hostile servers. */
export function testBoardHost(name: Probe): void {
  const skipThis = skip || (name === 'openssl' && !existsSync(programOf('probe-openssl')) && 'needs libssl-dev: apt-get install -y libssl-dev')

  void tap.test(`${name}: servers that are who they say`, { timeout: 175_000, skip: skipThis }, async (t) => {
    const folder = temporaryFolder(t)
    const authority = makeAuthority(folder)
    const port = await web(t)
    const good = authority.issue('good')
    const front = await tlsFront(t, good, port)
    const { lines } = await probe(name, 'get', authority.caFile, `https://localhost:${front.port}/`, `https://127.0.0.1:${front.port}/chunked`, `http://localhost:${port}/`)
    t.same(lines, [{ status: 200, length: 5 }, { status: 200, length: 50_001 }, { status: 200, length: 5 }])
    t.same(front.names, ['localhost', false], 'an address is no server name')
    const kinds: [string, TestCertificate, object][] = [
      ['TLS 1.2', good, { maxVersion: 'TLSv1.2' }], ['TLS 1.3', good, { minVersion: 'TLSv1.3' }],
      ['RSA, TLS 1.2', authority.issue('rsa', { rsa: true }), { maxVersion: 'TLSv1.2', honorCipherOrder: false }], ['RSA, TLS 1.3', authority.issue('rsa3', { rsa: true }), { minVersion: 'TLSv1.3' }],
      ['a wildcard', authority.issue('wild', { names: 'DNS:*.test,DNS:localhost' }), {}], ['P-384 key exchange', good, { ecdhCurve: 'P-384' }], ['ChaCha', good, { ciphers: 'TLS_CHACHA20_POLY1305_SHA256' }],
    ]
    for (const [kind, certificate, options] of kinds) {
      const at = await tlsFront(t, { ...certificate, ...options }, port)
      t.same((await probe(name, 'get', authority.caFile, `https://localhost:${at.port}/`)).lines, [{ status: 200, length: 5 }], kind)
    }
    const slow = await middle(t, front.port, { dribble: true })
    t.same((await probe(name, 'get', authority.caFile, `https://localhost:${slow}/`)).lines, [{ status: 200, length: 5 }], 'a handshake in single bytes')
    t.same((await probe(name, 'echo', authority.caFile, `wss://localhost:${front.port}/`)).lines, ['1000 done'])
    t.same((await probe(name, 'echo', authority.caFile, `ws://localhost:${port}/`)).lines, ['1000 done'])
  })

  void tap.test(`${name}: servers that are not`, { timeout: 175_000, skip: skipThis }, async (t) => {
    const folder = temporaryFolder(t)
    const authority = makeAuthority(folder)
    const stranger = makeAuthority(folder, 'stranger')
    const expiredAuthority = makeAuthority(folder, 'old', { from: '20200101000000Z', to: '20210101000000Z' })
    const port = await web(t)
    const refuses = async (what: string, certificate: TestCertificate & object, wanted: RegExp, host = 'localhost', ca = authority.caFile): Promise<void> => {
      const front = await tlsFront(t, certificate, port)
      const { lines } = await probe(name, 'get', ca, `https://${host}:${front.port}/`)
      t.match((lines[0] as { code: string }).code, 'ERR_HTTP_UNREACHABLE', what)
      t.match(messageOf(lines), wanted, what)
    }
    await refuses('another name', authority.issue('name', { names: 'DNS:other.test' }), /another host/)
    await refuses('a name that only begins alike', authority.issue('begin', { names: 'DNS:localhost.other.test' }), /another host/)
    await refuses('a wildcard for one label less', authority.issue('star', { names: 'DNS:*.localhost' }), /another host/)
    await refuses('another address', authority.issue('address', { names: 'IP:127.0.0.2,DNS:127.0.0.1' }), /another host/, '127.0.0.1')
    await refuses('an address for a name', authority.issue('addressed', { names: 'IP:127.0.0.1' }), /another host/)
    await refuses('a common name alone', authority.issue('cn', { names: undefined }), /another host/)
    await refuses('an authority that nobody trusts', stranger.issue('leaf'), /no authority/)
    const self = authority.issue('self')
    await refuses('the authority itself as a stranger', { cert: stranger.ca, key: readFileSync(join(folder, 'stranger.key'), 'utf8') }, /no authority/)
    await refuses('a chain that does not fit the key', { cert: self.cert + stranger.ca, key: self.key }, /no authority/, 'localhost', stranger.caFile)
    await refuses('a client’s certificate', authority.issue('client', { usage: 'clientAuth' }), /not good for a server/)
    await refuses('expired', authority.issue('expired', { from: '20240101000000Z', to: '20250101000000Z' }), /has expired/)
    await refuses('not valid yet', authority.issue('future', { from: '20400101000000Z', to: '20410101000000Z' }), /not valid yet/)
    await refuses('of an expired authority', expiredAuthority.issue('leaf'), /has expired/, 'localhost', expiredAuthority.caFile)

    const other = await tlsFront(t, authority.issue('other', { names: 'DNS:other.test' }), port)
    t.match((await probe(name, 'echo', authority.caFile, `wss://localhost:${other.port}/`)).lines, [/^1006 the certificate is for another host/], 'nor over a WebSocket')
    const front = await tlsFront(t, authority.issue('good'), port)
    const url = `https://localhost:${front.port}/`
    writeFileSync(join(folder, 'none.pem'), 'no certificate')
    t.match(messageOf((await probe(name, 'get', join(folder, 'none.pem'), url)).lines), /no certificate authorities were given/)
    const old = await tlsFront(t, { ...authority.issue('tls11'), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, port)
    t.match(messageOf((await probe(name, 'get', authority.caFile, `https://localhost:${old.port}/`)).lines), /cannot be reached/, 'TLS 1.1')
    t.match(messageOf((await probe(name, 'get', authority.caFile, `https://localhost:${port}/`)).lines), /cannot be reached/, 'no TLS at all')
    for (const cutAfter of [1, 5, 50, 200, 500, 900]) {
      const cut = await middle(t, front.port, { cutAfter })
      t.match(messageOf((await probe(name, 'get', authority.caFile, `https://localhost:${cut}/`)).lines), /cannot be reached|cut/, `cut after ${cutAfter} bytes`)
    }
    const garbage = await listening(t, createServer((socket) => socket.end(randomBytes(2000))))
    t.match(messageOf((await probe(name, 'get', authority.caFile, `https://localhost:${garbage}/`)).lines), /cannot be reached/)
    const silent = await listening(t, createServer(() => undefined))
    t.match((await probe(name, 'impatient', authority.caFile, `https://localhost:${silent}/`)).lines[0], { code: 'ERR_HTTP_TIMEOUT' }, 'a server that says nothing')
    const closed = await listening(t, createServer((socket) => socket.destroy()))
    t.match(messageOf((await probe(name, 'get', authority.caFile, `https://127.0.0.1:${closed}/`)).lines), /cannot be reached/)
  })

  void tap.test(`${name}: files, crypto, timers, listening`, { timeout: 175_000, skip: skipThis }, async (t) => {
    const folder = temporaryFolder(t)
    mkdirSync(join(folder, 'data'))
    const files = await probe(name, 'files', join(folder, 'data'))
    t.same(files.lines.slice(0, 4), ['undefined', 0, 2, 100])
    t.match(files.lines.slice(4), [
      /RangeError|ERR_STORAGE/, 'undefined', 'undefined', /^RangeError/, /^ERR_STORAGE_FAILED/, /^ERR_STORAGE_FAILED/, /not a file/,
    ])
    t.same(readdirSync(join(folder, 'data')), [], 'no temporary file is left')

    const d = randomBytes(32)
    d[0] = 1
    const message = randomBytes(1000)
    const { lines } = await probe(name, 'crypto', d.toString('hex'), message.toString('hex'))
    const found = lines[0] as { name: string; point: string; signature: string; sha256: string; hmac: string; emptyKeyHmac: string }
    const point = Buffer.from(found.point, 'hex')
    const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: point.toString('base64url', 1, 33), y: point.toString('base64url', 33, 65) } })
    t.ok(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(found.signature, 'hex')))
    t.match(lines[0], { good: true, bad: false, zero: false, name: name === 'openssl' ? /^OpenSSL/ : /^Mbed TLS 3/ })
    t.equal(found.sha256, createHash('sha256').update(message).digest('hex'))
    t.equal(found.hmac, createHmac('sha256', d).update(message).digest('hex'))
    t.equal(found.emptyKeyHmac, createHmac('sha256', '').update(message).digest('hex'))
    t.match(lines.slice(1), [/^zero: not a private key/, /^too large: not a private key/, /^short: argument 1/, /^off the curve: false/, /^no bytes: /])

    t.same((await probe(name, 'timers', String(Date.now()))).lines, [{ seen: [0, 10, 10, 20, 30], slept: true, near: true }])

    const server = startProgram(t, [programOf(`probe-${name}`), 'listen'])
    await server.says(/^\d+\n/)
    const echoed = await new Promise<string>((resolve) => {
      const socket = connect(Number(server.output), '127.0.0.1', () => socket.write('hello'))
      socket.once('data', (bytes) => {
        socket.end()
        resolve(bytes.toString())
      })
    })
    t.equal(echoed, 'hello')
    await server.says('closed undefined')
    const second = connect(Number(server.output.split('\n')[0]), '127.0.0.1')
    second.on('error', () => undefined)
    t.equal(await server.ended, 0)
    second.destroy()
    t.equal(server.errors, '')
  })

  void tap.test(`${name}: a peer that does not read, and names`, { timeout: 175_000, skip: skipThis }, async (t) => {
    const deaf = await listening(t, createServer((socket) => socket.pause()))
    t.same((await probe(name, 'flood', String(deaf))).lines, [true, 'the peer does not take what is sent'])
    const port = await web(t)
    const program = startProgram(t, [programOf(`probe-${name}`), 'lookups', String(port)])
    await program.says('done', 60_000)
    t.match(program.output, /^\["there is no such host and port"\]/)
    const { pid = 0 } = program.child
    t.same(childrenOf(pid), [], 'no process is left')
    t.ok(readdirSync(`/proc/${pid}/fd`).length < 12, 'no file is left')
    t.equal(await program.stop(), 0)
    t.equal(program.errors, '')
  })
}
