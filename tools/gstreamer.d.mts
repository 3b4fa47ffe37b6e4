export function buildEngine(options?: { outfile?: string; sanitize?: boolean }): Promise<string>
export function ensureEngine(options: { outfile: string; sanitize?: boolean }): Promise<string>
