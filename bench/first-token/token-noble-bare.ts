// The token file as it is without the comb: what `@noble/curves` costs a bare engine.
export * from '../../runtimes/quickjs/token.ts'
