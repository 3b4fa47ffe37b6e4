// Engines of 2021 lack Object.hasOwn (ES2022), which @noble/curves calls; tests and benches hold our curve against it there.
const builtins = Object as { hasOwn?: (value: object, name: PropertyKey) => boolean }
builtins.hasOwn ??= (value, name) => Object.prototype.hasOwnProperty.call(value, name)
