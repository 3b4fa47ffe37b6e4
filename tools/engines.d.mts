/** By name, how each runs a bare bundle and prints TAP. */
export declare const engines: Record<string, (bundle: string) => string[]>
/** Path of Deno; fetched first when it is missing. */
export declare function ensureDeno(): string
export declare function ensureEngines(): void
