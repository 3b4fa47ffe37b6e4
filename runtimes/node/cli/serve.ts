import { createNodeHost } from '../host.ts'
import { type Command } from './command.ts'
import { adminTokenSource, databaseSource, readSecret } from './files.ts'
import { listenError, parseListen } from './listen.ts'
import { createLog, verboseOption } from './log.ts'
import { viewerFolder } from './pages.ts'
import { optionGroups, readServeConfig } from './serve-config.ts'
import { iceOptions, readIce } from './serve-ice.ts'
import { readSts, stsOptions } from './serve-sts.ts'
import { untilStopped } from './until-stopped.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Run the rendezvous, and the viewer page under /',
  options: {
    config: { value: 'FILE', help: 'all of this, and what products allow, from a JSON file (docs/serve-config.md); options given here go before it' },
    listen: { value: 'HOST:PORT', help: 'where to listen', default: '127.0.0.1:8080' },
    data: { value: 'DIR', help: 'folder for the registry and the admin token; made on the first run; needed here or in the file' },
    database: { value: 'URL', help: 'keep the registry in PostgreSQL; or the next, or LENSKEY_DATABASE_URL' },
    'database-url-file': { value: 'FILE', help: 'file that holds this URL, for one with a password' },
    'public-url': { value: 'URL', help: 'how the world reaches the service, when a proxy stands in front' },
    'trusted-proxy': { value: 'ADDRESS', help: 'reverse proxy whose X-Forwarded headers are believed', repeatable: true },
    'admin-token-file': { value: 'FILE', help: 'token of the admin API; or LENSKEY_ADMIN_TOKEN (default DIR/admin-token)' },
    ...iceOptions,
    ...stsOptions,
    ...verboseOption,
  },
  notes: [
    'It speaks plain HTTP: put TLS in front of it for anything but this machine.',
    'A database URL with a password belongs into a file or LENSKEY_DATABASE_URL, where other users cannot read it.',
    'How viewers get through to cameras is set per product, with `lenskey product` or in the file of --config.',
    'With --sts-subject-issuer it exchanges tokens at /sts/token (RFC 8693, `lenskey sts`). Its three options may be given several times, in step.',
    'A policy file is {"allow": [{"subject": "maria", "devices": ["wp-showroom.wd-frontdoorcamera1"]}, …]}; docs/tokens.md has all of it.',
    'SIGTERM and Ctrl-C drain: devices and viewers are told to come back, then the process ends.',
  ],
  examples: [
    'lenskey serve --data ./data',
    'lenskey serve --config /etc/lenskey/serve.json',
    'LENSKEY_DATABASE_URL=postgres://lenskey:…@db/lenskey lenskey serve --listen 0.0.0.0:8080 --data /var/lib/lenskey --public-url https://cams.example.org',
    'lenskey serve --data ./data --stun stun:turn.example.org:3478 --turn turn:turn.example.org:3478?transport=udp --turn-secret-file turn-secret',
    'lenskey serve --data ./data --public-url https://cams.example.org --sts-subject-issuer https://id.example.org \\',
    '  --sts-subject-audience https://cams.example.org --sts-subject-keys https://id.example.org/jwks.json --sts-devices devices',
  ],
  success: 'it was asked to stop, and did',
  async run(commandLine, terminal) {
    const file = commandLine.optional('config')
    const settings = file === undefined ? undefined : readServeConfig(file)
    const values = settings === undefined ? commandLine : commandLine.over(settings.options, optionGroups)
    const listen = parseListen(values.string('listen'))
    const dataDir = values.string('data')
    const proxies = values.list('trusted-proxy')
    const pages = viewerFolder()
    const log = createLog(terminal, values.flag('verbose') ? 'debug' : 'warn')
    const [iceServers, sts] = [readIce(values, terminal), await readSts(values, terminal, createNodeHost({ log }), settings?.stsPolicy)]
    const { startRendezvous } = await import('../service/index.ts')
    const service = await startRendezvous({
      listen,
      dataDir,
      databaseUrl: values.optional('database') ?? readSecret(databaseSource, values, terminal),
      adminToken: readSecret(adminTokenSource, values, terminal),
      publicUrl: values.optional('public-url'),
      trustedProxies: proxies.length === 0 ? undefined : proxies,
      pages: pages === undefined ? undefined : { dir: pages },
      iceServers,
      sts,
      products: settings?.products,
      log,
    }).catch((thrown: unknown) => { throw listenError(thrown, listen) })
    terminal.print(`serving at ${service.url}, data in ${dataDir}`, { event: 'serving', url: service.url, data: dataDir })
    await untilStopped(terminal.stop)
    await service.close()
    terminal.print('stopped', { event: 'stopped' })
    return 0
  },
}
