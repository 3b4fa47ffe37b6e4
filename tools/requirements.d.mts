export interface Requirement {
  tool: string
  packages: string[]
  suites: string
}
export const libFuzzer: string
export const requirements: Requirement[]
export function locate(tool: string): string | undefined
export function missing(): Requirement[]
export function installLine(wanted: Requirement[]): string
export function skipWithout(tool: string): string | false
