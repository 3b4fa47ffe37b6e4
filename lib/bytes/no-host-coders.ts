// In place of host-coders.ts in bundles for bare engines, where nothing of the kind is to be found.

export const hostUtf8 = (): undefined => undefined

export const hostBase64url = (): undefined => undefined

export const hostUtf8Parts = (): undefined => undefined
