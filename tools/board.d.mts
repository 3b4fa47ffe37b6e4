export interface Target {
  cc: string
  strip: string
  flags: string[]
  /** What runs it on another machine; empty for this one. */
  emulator: string[]
}
export const targets: Record<'x86_64' | 'armhf' | 'aarch64', Target>
export function buildBoardProgram(options: {
  target: keyof typeof targets
  bytecode: string
  outfile: string
  tls?: 'mbedtls' | 'openssl'
  sanitize?: boolean
  watched?: boolean
}): Promise<void>
export function compileBytecode(module: string, outfile: string): Promise<void>
