// The token file as it is without our small modules: what `@noble/curves` costs a bare engine.
import '../../test/noble-shims.ts'

export * from '../../runtimes/quickjs/token.ts'
