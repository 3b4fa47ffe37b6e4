export function ensureEngine(options?: { outfile?: string; sanitize?: boolean }): Promise<string>
