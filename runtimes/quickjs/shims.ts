// Engines of 2021 lack Object.hasOwn (ES2022), which @noble/curves calls. Nothing of our own may use it.
const builtins = Object as { hasOwn?: (value: object, name: PropertyKey) => boolean }
builtins.hasOwn ??= (value, name) => Object.prototype.hasOwnProperty.call(value, name)
