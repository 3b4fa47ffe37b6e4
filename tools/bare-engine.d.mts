import type { BuildOptions, BuildResult } from 'esbuild'

export const bareEngine: BuildOptions
export const firmware: BuildOptions
export function bundleSmall(options: BuildOptions, more?: { fast?: boolean }): Promise<BuildResult>
