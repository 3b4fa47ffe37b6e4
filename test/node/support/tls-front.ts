import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer, type TlsOptions } from 'node:tls'

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

/** A certificate that an authority of a test has made. */
export interface TestCertificate {
  cert: string
  key: string
}

/** An authority of a test, and what it makes; all by openssl. */
export interface TestAuthority {
  /** PEM. */
  ca: string
  caFile: string
  /** @param names - as of subjectAltName: `DNS:localhost,IP:127.0.0.1`; undefined leaves them out */
  issue(name: string, options?: CertificateOptions): TestCertificate
}

export interface CertificateOptions {
  names?: string | undefined
  /** Such as `20260101000000Z`; from one hour ago for one day when left out. */
  from?: string
  to?: string
  usage?: 'serverAuth' | 'clientAuth'
  rsa?: boolean
}

/** @param folder - for its files */
export function makeAuthority(folder: string, name = 'ca', { from, to }: { from?: string; to?: string } = {}): TestAuthority {
  const file = (ending: string): string => join(folder, `${name}.${ending}`)
  const run = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  }
  const stamp = (ms: number): string => `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  const newKey = (to: string, rsa = false): void => {
    run('genpkey', '-out', to, ...(rsa ? ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] : ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']))
  }
  const caFile = file('pem')
  newKey(file('key'))
  writeFileSync(file('index'), '')
  writeFileSync(file('cnf'), [
    '[req]', 'distinguished_name=dn', 'prompt=no', '[dn]', `CN=${name}`, '[ca]', 'default_ca=own', '[own]', `database=${file('index')}`,
    `new_certs_dir=${folder}`, 'default_md=sha256', 'policy=any', 'rand_serial=yes', 'unique_subject=no', 'email_in_dn=no', '[any]', 'commonName=supplied',
  ].join('\n'))
  const sign = (request: string, out: string, extensions: string[], options: CertificateOptions & { self?: boolean }): void => {
    writeFileSync(`${out}.ext`, extensions.join('\n'))
    run('ca', '-batch', '-config', file('cnf'), '-keyfile', file('key'), ...(options.self === true ? ['-selfsign'] : ['-cert', caFile]), '-in', request, '-out', out,
      '-notext', '-extfile', `${out}.ext`, '-startdate', options.from ?? stamp(Date.now() - 3_600_000), '-enddate', options.to ?? stamp(Date.now() + 86_400_000))
  }
  const request = (subject: string, key: string, out: string): void => {
    run('req', '-new', '-config', file('cnf'), '-subj', `/CN=${subject}`, '-key', key, '-out', out)
  }
  request(name, file('key'), file('csr'))
  sign(file('csr'), caFile, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', 'subjectKeyIdentifier=hash'], { self: true, from, to })
  return {
    ca: readFileSync(caFile, 'utf8'),
    caFile,
    issue(leaf, options = {}) {
      const at = (ending: string): string => join(folder, `${name}-${leaf}.${ending}`)
      const names = 'names' in options ? options.names : 'DNS:localhost,IP:127.0.0.1'
      newKey(at('key'), options.rsa)
      request('localhost', at('key'), at('csr'))
      sign(at('csr'), at('pem'), [
        'basicConstraints=CA:FALSE', 'keyUsage=critical,digitalSignature', `extendedKeyUsage=${options.usage ?? 'serverAuth'}`, ...(names === undefined ? [] : [`subjectAltName=${names}`]),
      ], options)
      return { cert: readFileSync(at('pem'), 'utf8'), key: readFileSync(at('key'), 'utf8') }
    },
  }
}

export interface TlsFront {
  port: number
  /** Server names that clients asked for, in order; false where none was. */
  names: (string | false)[]
  /** Ends all connections. */
  cut(): void
}

/** TLS before a plain HTTP server on loopback, as a reverse proxy is: it says so in a header of each connection's first request. */
export async function tlsFront(t: TearDown, options: TlsOptions, backPort: number): Promise<TlsFront> {
  const sockets = new Set<Socket>()
  const names: (string | false)[] = []
  const server = createServer(options, (front) => {
    names.push((front as { servername?: string | false }).servername ?? false)
    const back = connect(backPort, '127.0.0.1')
    for (const [socket, other] of [[front, back], [back, front]] as [Socket, Socket][]) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.end()
      })
    }
    front.once('data', (first: Buffer) => {
      const end = first.indexOf('\r\n') + 2
      back.write(Buffer.concat([first.subarray(0, end), Buffer.from('x-forwarded-proto: https\r\n'), first.subarray(end)]))
      front.pipe(back)
    })
    back.pipe(front)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(() => new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
    cut()
  }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, names, cut }
}
