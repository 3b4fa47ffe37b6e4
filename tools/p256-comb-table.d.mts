export function combTableBytes(): Uint8Array
export function combTableSource(): string
