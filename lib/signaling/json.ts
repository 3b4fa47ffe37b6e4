/** Any JSON. */
export type JSONValue = string | number | boolean | null | JSONValue[] | { [name: string]: JSONValue }

export type JSONObject = Record<string, JSONValue>

/** A JSON object, which `typeof` alone does not tell. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
