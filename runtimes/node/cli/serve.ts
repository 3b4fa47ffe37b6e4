import { createNodeHost } from '../host.ts'
import { type Command } from './command.ts'
import { adminTokenSource, readSecret } from './files.ts'
import { listenError, parseListen } from './listen.ts'
import { createLog, verboseOption } from './log.ts'
import { viewerFolder } from './pages.ts'
import { iceOptions, readIce } from './serve-ice.ts'
import { readSts, stsOptions } from './serve-sts.ts'
import { untilStopped } from './until-stopped.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Run the rendezvous, and the viewer page under /',
  options: {
    listen: { value: 'HOST:PORT', help: 'where to listen', default: '127.0.0.1:8080' },
    data: { value: 'DIR', help: 'folder for the registry and the admin token; made on the first run', required: true },
    database: { value: 'URL', help: 'keep the registry in PostgreSQL; or LENSKEY_DATABASE_URL' },
    'public-url': { value: 'URL', help: 'how the world reaches the service, when a proxy stands in front' },
    'trusted-proxy': { value: 'ADDRESS', help: 'reverse proxy whose X-Forwarded headers are believed' },
    'admin-token-file': { value: 'FILE', help: 'token of the admin API; or LENSKEY_ADMIN_TOKEN (default DIR/admin-token)' },
    ...iceOptions,
    ...stsOptions,
    ...verboseOption,
  },
  notes: [
    'It speaks plain HTTP: put TLS in front of it for anything but this machine.',
    'A database URL with a password belongs into LENSKEY_DATABASE_URL, where other users cannot read it.',
    'How viewers get through to cameras is set per product, with `lenskey product`.',
    'With --sts-subject-issuer it exchanges tokens at /sts/token (RFC 8693, `lenskey sts`). Its three options may be given several times, in step.',
    'A policy file is {"allow": [{"subject": "maria", "devices": ["wp-showroom.wd-frontdoorcamera1"]}, …]}; docs/tokens.md has all of it.',
    'SIGTERM and Ctrl-C drain: devices and viewers are told to come back, then the process ends.',
  ],
  examples: [
    'lenskey serve --data ./data',
    'LENSKEY_DATABASE_URL=postgres://lenskey:…@db/lenskey lenskey serve --listen 0.0.0.0:8080 --data /var/lib/lenskey --public-url https://cams.example.org',
    'lenskey serve --data ./data --stun stun:turn.example.org:3478 --turn turn:turn.example.org:3478?transport=udp --turn-secret-file turn-secret',
    'lenskey serve --data ./data --public-url https://cams.example.org --sts-subject-issuer https://id.example.org \\',
    '  --sts-subject-audience https://cams.example.org --sts-subject-keys https://id.example.org/jwks.json --sts-devices devices',
  ],
  success: 'it was asked to stop, and did',
  async run(values, terminal) {
    const listen = parseListen(values.string('listen'))
    const dataDir = values.string('data')
    const proxy = values.optional('trusted-proxy')
    const pages = viewerFolder()
    const log = createLog(terminal, values.flag('verbose') ? 'debug' : 'warn')
    const [iceServers, sts] = [readIce(values, terminal), await readSts(values, terminal, createNodeHost({ log }))]
    const { startRendezvous } = await import('../service/index.ts')
    const service = await startRendezvous({
      listen,
      dataDir,
      databaseUrl: values.optional('database') ?? terminal.env.LENSKEY_DATABASE_URL,
      adminToken: readSecret(adminTokenSource, values, terminal),
      publicUrl: values.optional('public-url'),
      trustedProxies: proxy === undefined ? undefined : [proxy],
      pages: pages === undefined ? undefined : { dir: pages },
      iceServers,
      sts,
      log,
    }).catch((thrown: unknown) => { throw listenError(thrown, listen) })
    terminal.print(`serving at ${service.url}, data in ${dataDir}`, { event: 'serving', url: service.url, data: dataDir })
    await untilStopped(terminal.stop)
    await service.close()
    terminal.print('stopped', { event: 'stopped' })
    return 0
  },
}
