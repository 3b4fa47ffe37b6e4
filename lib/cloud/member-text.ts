/**
 * The text of one member's value in the text of a JSON object, so that a relay can pass it on exactly as it came: numbers
 * that a double cannot hold, and spelling, stay what they are. The last one of that name counts, as in `JSON.parse`.
 * @param json - already accepted by `JSON.parse`, which is why nothing is checked here
 * @returns undefined when no member has that name in plain letters, unescaped
 */
export function memberText(json: string, name: string): string | undefined {
  let at = json.indexOf('{') + 1
  let found: string | undefined
  for (;;) {
    const keyStart = json.indexOf('"', at)
    if (keyStart < 0) return found
    const keyEnd = stringEnd(json, keyStart)
    const valueStart = json.indexOf(':', keyEnd) + 1
    const valueEnd = endOfValue(json, valueStart)
    if (keyEnd - keyStart === name.length + 2 && json.startsWith(name, keyStart + 1)) found = json.slice(valueStart, valueEnd)
    if (json.charCodeAt(valueEnd) !== COMMA) return found
    at = valueEnd + 1
  }
}

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Where the string that begins at `start` is over. */
function stringEnd(json: string, start: number): number {
  let end = json.indexOf('"', start + 1)
  for (;;) {
    let before = end - 1
    while (json.charCodeAt(before) === BACKSLASH) before--
    if ((end - before) % 2 === 1) return end + 1
    end = json.indexOf('"', end + 1)
  }
}

/** Where the comma or brace after a value is. */
function endOfValue(json: string, start: number): number {
  let depth = 0
  for (let at = start; ; ) {
    const unit = json.charCodeAt(at)
    if (unit === QUOTE) {
      at = stringEnd(json, at)
      continue
    }
    if (unit === OPEN_BRACE || unit === OPEN_BRACKET) depth++
    else if (depth === 0 && (unit === COMMA || unit === CLOSE_BRACE)) return at
    else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) depth--
    at++
  }
}
