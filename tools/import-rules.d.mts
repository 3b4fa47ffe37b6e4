export function brokenRule(from: string, to: string): string | undefined
export function checkImports(metafiles: { inputs: Record<string, { imports: { path: string }[] }> }[]): void
