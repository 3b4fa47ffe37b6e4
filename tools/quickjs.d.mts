export function ensureQuickjs(): Promise<string>
