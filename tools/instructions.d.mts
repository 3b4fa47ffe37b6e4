export function countInstructions(emulator: string, ...command: string[]): number
