import type { targets } from './board.mjs'

export function ensureQuickjs(target?: keyof typeof targets): Promise<string>
