// lenskey-bench for Node, in one file: `node lenskey-bench.node.mjs [--label TEXT]`.
import { cpus, machine } from 'node:os'
import { performance } from 'node:perf_hooks'
import { version } from '../../package.json'
import { nodeCrypto } from '../node/native-crypto.ts'
import { nodeRandom } from '../node/host.ts'
import { reportBench } from './report.ts'
import { benchWorks, firstToken } from './works.ts'

const host = { random: nodeRandom, nativeCrypto: nodeCrypto }
await firstToken(host, Date.now())
const tokenMs = performance.now()
const at = process.argv.indexOf('--label')
await reportBench(await benchWorks(host), tokenMs, {
  version, engine: `Node ${process.versions.node}`, crypto: `OpenSSL ${process.versions.openssl}`, cpu: cpus()[0]?.model ?? 'unknown', machine: machine(), emulated: false,
  label: at < 0 ? null : process.argv[at + 1],
  monotonicMs: () => performance.now(),
  print: (line) => { console.log(line) },
  memory: () => ({ rssBytes: process.memoryUsage.rss(), heapBytes: process.memoryUsage().heapUsed }),
})
