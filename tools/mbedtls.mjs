// The TLS library of the board's host: Mbed TLS 3.6 from Debian's source package, since the binary packages of bookworm are
// of a line that does not check the addresses in certificates. Fetched and verified by apt with a configuration of its own,
// which leaves the system's as it is.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const suite = 'trixie'
const series = /^mbedtls-3\.6\./

/** The folder of its sources, fetched first when it is not there. Needs Debian's apt, and a network for the first time. */
export function ensureMbedtls(folder = resolve('build/board/mbedtls')) {
  const present = existsSync(folder) ? readdirSync(folder).find((name) => series.test(name)) : undefined
  if (present !== undefined) return join(folder, present)
  const own = `${folder}.${process.pid}`
  try {
    for (const name of ['lists/partial', 'cache/archives/partial', 'source']) mkdirSync(join(own, name), { recursive: true })
    writeFileSync(join(own, 'sources.list'), `deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian ${suite} main\n`)
    const apt = (...args) => execFileSync('apt-get', [
      '-qq', '-o', `Dir::Etc::sourcelist=${own}/sources.list`, '-o', 'Dir::Etc::sourceparts=/dev/null', '-o', `Dir::State::lists=${own}/lists`,
      '-o', `Dir::Cache=${own}/cache`, '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3', ...args,
    ], { cwd: join(own, 'source'), stdio: ['ignore', 'ignore', 'pipe'] })
    apt('update')
    apt('source', '--download-only', 'mbedtls')
    const archive = readdirSync(join(own, 'source')).find((name) => name.includes('.orig.tar.'))
    if (archive === undefined) throw new Error('apt brought no source archive of mbedtls')
    execFileSync('tar', ['xf', archive], { cwd: join(own, 'source') })
    const unpacked = readdirSync(join(own, 'source')).find((name) => series.test(name))
    if (unpacked === undefined) throw new Error(`${archive} is not of the wanted series`)
    mkdirSync(folder, { recursive: true })
    renameSync(join(own, 'source', unpacked), join(folder, unpacked))
    return join(folder, unpacked)
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}
