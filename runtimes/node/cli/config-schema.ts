import { isObject } from '../../../lib/signaling/json.ts'

/** The part of JSON Schema (draft 7) in which the files that commands read are described. */
export interface Schema {
  /** What the value must be, as it stands in messages after "must be". */
  title?: string
  description?: string
  $schema?: string
  $id?: string
  type?: string | string[]
  required?: string[]
  properties?: Record<string, Schema>
  additionalProperties?: false | Schema
  propertyNames?: Schema
  maxProperties?: number
  dependencies?: Record<string, string[]>
  /** Which sets of members may be there: at least one of them, exactly one of them. */
  anyOf?: { required: string[] }[]
  oneOf?: { required: string[] }[]
  items?: Schema
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  minimum?: number
  maximum?: number
}

/**
 * What is wrong with a value, by the name of the member, such as `turn.lifetimeSeconds must be …`; undefined when nothing is. No value
 * is repeated in it: somebody may have put a secret where it does not belong.
 * @param path - names of the members down to the value; none at the top
 */
export function findFault(schema: Schema, value: unknown, path: readonly (string | number)[] = []): string | undefined {
  const name = nameOf(path)
  const types = [schema.type ?? []].flat()
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) return `${name} must be ${schema.title ?? types.join(' or ')}`
  if (typeof value === 'string') return faultOfText(schema, value, name)
  if (typeof value === 'number') {
    const { minimum = -Infinity, maximum = Infinity } = schema
    return value < minimum || value > maximum ? `${name} must be from ${minimum} to ${maximum}` : undefined
  }
  if (Array.isArray(value)) {
    const { items = {}, minItems = 0, maxItems = Infinity } = schema
    if (value.length < minItems) return `${name} must have at least ${minItems} ${minItems === 1 ? 'entry' : 'entries'}`
    if (value.length > maxItems) return `${name} must have at most ${maxItems} entries`
    return firstFault(value.map((item: unknown, at) => () => findFault(items, item, [...path, at])))
  }
  return isObject(value) ? faultOfObject(schema, value, path) : undefined
}

function faultOfText({ title, minLength = 0, maxLength = Infinity, pattern }: Schema, text: string, name: string): string | undefined {
  const { length } = Array.from(text)
  if (length < minLength) return `${name} must not be empty`
  if (length > maxLength) return `${name} must have at most ${maxLength} characters`
  return pattern === undefined || new RegExp(pattern, 'u').test(text) ? undefined : `${name} must be ${title ?? 'something else'}`
}

function faultOfObject(schema: Schema, value: Readonly<Record<string, unknown>>, path: readonly (string | number)[]): string | undefined {
  const { properties = {}, additionalProperties, propertyNames, maxProperties = Infinity, required = [], dependencies = {}, anyOf, oneOf } = schema
  const name = nameOf(path)
  const members = Object.keys(value)
  const has = (member: string): boolean => Object.hasOwn(value, member)
  if (members.length > maxProperties) return `${name} must have at most ${maxProperties} members`
  // First of all, as a word spelled wrong is also the reason why another is missing.
  const unknown = additionalProperties === false ? members.find((member) => !Object.hasOwn(properties, member)) : undefined
  if (unknown !== undefined) return `${nameOf([...path, unknown])} is not known; ${name} may have ${Object.keys(properties).filter((member) => member !== '$schema').join(', ')}`
  const missing = required.find((member) => !has(member))
  if (missing !== undefined) return `${nameOf([...path, missing])} is missing`
  for (const [member, others] of Object.entries(dependencies)) {
    const lacking = has(member) ? others.find((other) => !has(other)) : undefined
    if (lacking !== undefined) return `${nameOf([...path, lacking])} is missing: it goes with ${member}`
  }
  const complete = (sets: { required: string[] }[]): number => sets.filter((set) => set.required.every(has)).length
  const words = (sets: { required: string[] }[]): string => sets.map((set) => set.required.join(' and ')).join(', ')
  if (anyOf !== undefined && complete(anyOf) === 0) return `${name} must have one of ${words(anyOf)}`
  if (oneOf !== undefined && complete(oneOf) !== 1) return `${name} must have exactly one of ${words(oneOf)}`
  return firstFault(members.map((member) => () => {
    const below = [...path, member]
    if (propertyNames !== undefined) {
      const fault = findFault(propertyNames, member, below)
      if (fault !== undefined) return fault
    }
    if (Object.hasOwn(properties, member)) return findFault(properties[member], value[member], below)
    return isObject(additionalProperties) ? findFault(additionalProperties, value[member], below) : undefined
  }))
}

function firstFault(checks: (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const fault = check()
    if (fault !== undefined) return fault
  }
  return undefined
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

/** `turn.urls[0]`; names that are no plain words in quotes, and none at length. */
function nameOf(path: readonly (string | number)[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${/^[$\w.-]{1,64}$/.test(part) ? part : JSON.stringify(part.slice(0, 40))}`)).join('')
  return text === '' ? 'the file' : text.replace(/^\./, '')
}
