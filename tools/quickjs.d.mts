export function ensureQuickjs(target?: string): Promise<string>
