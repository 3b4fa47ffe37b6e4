// What the tests use beyond npm: a tool, the Debian packages that bring it, and what goes untested without it.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const architecture = { x64: 'x86_64', arm64: 'aarch64' }[process.arch] ?? process.arch
/** What clang puts into a program that it fuzzes, in a package of its own. */
export const libFuzzer = `libclang_rt.fuzzer-${architecture}.a`

export const requirements = [
  { tool: 'openssl', packages: ['openssl'], suites: 'keys and tokens made and checked by openssl' },
  { tool: 'gcc', packages: ['gcc', 'libc6-dev'], suites: 'the library on a bare QuickJS engine' },
  { tool: 'chromium', packages: ['chromium', 'fonts-dejavu-core'], suites: 'the viewer page in a browser' },
  { tool: 'ffmpeg', packages: ['ffmpeg'], suites: 'video from a real RTP source' },
  { tool: 'initdb', packages: ['postgresql'], suites: 'the registry on PostgreSQL' },
  { tool: 'arm-linux-gnueabihf-gcc', packages: ['gcc-arm-linux-gnueabihf', 'libc6-dev-armhf-cross'], suites: 'the camera on 32-bit ARM' },
  { tool: 'aarch64-linux-gnu-gcc', packages: ['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'], suites: 'the camera on 64-bit ARM' },
  { tool: 'qemu-arm', packages: ['qemu-user'], suites: 'the camera on ARM, emulated' },
  {
    tool: 'gst-inspect-1.0',
    packages: [
      'pkg-config', 'libgstreamer1.0-dev', 'libgstreamer-plugins-base1.0-dev', 'libgstreamer-plugins-bad1.0-dev', 'libjson-glib-dev',
      'gstreamer1.0-tools', 'gstreamer1.0-nice', 'gstreamer1.0-plugins-base', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-bad',
    ],
    suites: 'the WebRTC engine on GStreamer',
  },
  { tool: '/usr/include/gstreamer-1.0/gst/rtsp-server/rtsp-server.h', packages: ['libgstrtspserver-1.0-dev'], suites: 'pictures of a camera that speaks RTSP' },
  { tool: '/usr/include/openssl/ssl.h', packages: ['libssl-dev'], suites: 'the board’s host with OpenSSL' },
  { tool: 'clang', packages: ['clang'], suites: 'the C functions that see bytes of the network, fuzzed' },
  { tool: libFuzzer, packages: ['libclang-rt-dev'], suites: 'their fuzzing, for which clang links it' },
  { tool: 'valgrind', packages: ['valgrind'], suites: 'leaks of the board’s host' },
  { tool: 'turnserver', packages: ['coturn'], suites: 'sessions relayed by a real TURN server' },
  { tool: 'ip', packages: ['iproute2'], suites: 'a camera and a viewer on two hosts, in network namespaces (as root)' },
  { tool: 'coap-client-notls', packages: ['libcoap3-bin'], suites: 'requests by another CoAP implementation' },
]

/** Debian keeps the tools of PostgreSQL's server and the parts of clang off the PATH. */
function folders() {
  const inside = (folder, ...rest) => (existsSync(folder) ? readdirSync(folder).map((version) => join(folder, version, ...rest)) : [])
  const clang = inside('/usr/lib').filter((folder) => /\/llvm-\d+$/.test(folder)).flatMap((folder) => inside(join(folder, 'lib/clang'), 'lib/linux'))
  return [...(process.env.PATH ?? '').split(':'), ...inside('/usr/lib/postgresql', 'bin'), ...clang]
}

/** Where a tool is, or undefined when it is not installed. A library is named by the path of a file of its own. */
export const locate = (tool) => (tool.startsWith('/') ? [''] : folders()).map((folder) => join(folder, tool)).find((file) => existsSync(file))

export const missing = () => requirements.filter(({ tool }) => locate(tool) === undefined)

/** What a person types, as root, to get the tools of these requirements. */
export const installLine = (wanted) => `apt-get install -y --no-install-recommends ${wanted.flatMap(({ packages }) => packages).join(' ')}`

/** Why a suite that needs `tool` is skipped, as `skip` of tap takes it: false when the tool is there. */
export function skipWithout(tool) {
  if (locate(tool) !== undefined) return false
  return `needs ${tool}: ${installLine(requirements.filter((requirement) => requirement.tool === tool))}`
}
