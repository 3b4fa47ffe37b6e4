export function combTablePoints(): string[]
export function combTableSource(): string
