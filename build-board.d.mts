export function bundleForBoard(entry: string, outfile: string): Promise<void>
