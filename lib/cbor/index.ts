export { type CborDecodeOptions, decodeCbor } from './decode.ts'
export { type CborEncodeOptions, encodeCbor } from './encode.ts'
export * from './errors.ts'
export * from './values.ts'
