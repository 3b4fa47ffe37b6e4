// Stands in the place of key-commands.ts where size is promised (tools/small-modules.mjs).

export const MAKE_KEY = ''
export const LEAVE_OPENSSH = ''
export const NAME_CURVE = ''
export const DECRYPT = ''
export const PUBLIC_HALF = ''
export const KEY_OF_CERTIFICATE = ''
export const DECOMPRESS = ''
