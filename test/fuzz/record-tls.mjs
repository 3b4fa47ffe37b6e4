// `node test/fuzz/record-tls.mjs`: the corpus of tls-client anew, with an authority of its own, for when another Mbed TLS asks for its
// chance in another order. Needs openssl, and `node tools/fuzz.mjs --build` before.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'

const folder = mkdtempSync(join(tmpdir(), 'lenskey-record-'))
const at = (name) => join(folder, name)
const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] })
const days = ['-days', '36500']
const kinds = { ec: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] }

function issue(name, kind, names = 'DNS:localhost,IP:127.0.0.1') {
  openssl('genpkey', '-out', at(`${name}.key`), ...kinds[kind])
  openssl('req', '-new', '-key', at(`${name}.key`), '-subj', '/CN=localhost', '-out', at(`${name}.csr`))
  writeFileSync(at('extensions'), `basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`)
  openssl('x509', '-req', '-in', at(`${name}.csr`), '-CA', 'test/fuzz/authority.pem', '-CAkey', at('ca.key'), ...days, '-extfile', at('extensions'), '-out', at(`${name}.pem`))
  return { cert: readFileSync(at(`${name}.pem`)), key: readFileSync(at(`${name}.key`)) }
}

async function record(name, options) {
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('a server that is who it says'))
  })
  server.on('tlsClientError', () => undefined)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=0', LENSKEY_RECORD: `${server.address().port}:test/fuzz/corpus/tls-client/${name}` }
  await new Promise((resolve) => spawn('build/fuzz/tls-client', [], { env, stdio: ['ignore', 'inherit', 'inherit'] }).on('exit', resolve))
  server.close()
}

openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('ca.key'), '-out', 'test/fuzz/authority.pem', ...days,
  '-subj', '/CN=fuzz', '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign')
const [ec, rsa, other] = [issue('ec', 'ec'), issue('rsa', 'rsa'), issue('other', 'ec', 'DNS:other.test,IP:127.0.0.2,DNS:*.test')]
const servers = {
  'tls12-ec': { ...ec, maxVersion: 'TLSv1.2' }, 'tls13-ec': { ...ec, minVersion: 'TLSv1.3' }, 'tls12-rsa': { ...rsa, maxVersion: 'TLSv1.2', honorCipherOrder: false },
  'tls13-rsa': { ...rsa, minVersion: 'TLSv1.3' }, 'tls13-p384': { ...ec, ecdhCurve: 'P-384', minVersion: 'TLSv1.3' },
  'tls12-chacha': { ...ec, ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305', maxVersion: 'TLSv1.2' }, 'other-host': { ...other, maxVersion: 'TLSv1.2' },
  'alert': { ...ec, ciphers: 'AES256-SHA', maxVersion: 'TLSv1.2' },
}
for (const [name, options] of Object.entries(servers)) await record(name, options)
rmSync(folder, { recursive: true })
process.exit(0)
