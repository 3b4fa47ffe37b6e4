import { JwtError } from './errors.ts'

/**
 * Parses a JSON object, refusing what two parsers could read differently: a member name that comes twice (RFC 7515 §4,
 * RFC 7519 §4). Nesting is bounded before the parser sees it.
 * @throws {JwtError} `ERR_JWT_MALFORMED`
 */
export function parseStrictObject(text: string, maxDepth: number): Record<string, unknown> {
  const flat = countBrackets(text, maxDepth) <= maxDepth
  if (!flat) refuseRepeatedNames(text, maxDepth)
  const value = parse(text)
  // What comes out as it went in, as the text of most signers does, has no name twice; for the rest we look.
  if (flat && JSON.stringify(value) !== text) refuseRepeatedNames(text, maxDepth)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('a part of this token is not a JSON object')
  return value as Record<string, unknown>
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed('a part of this token is not well-formed JSON')
  }
}

/** Opening brackets, those in strings too, up to one more than `limit`: no text nests deeper than that. */
function countBrackets(text: string, limit: number): number {
  let count = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0 && count <= limit; at = text.indexOf(bracket, at + 1)) count++
  }
  return count
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c

/** Walks strings and brackets only: where the text is no JSON otherwise, the parser says so. */
function refuseRepeatedNames(text: string, maxDepth: number): void {
  // Names seen so far in each open object; an array has none.
  const open: string[][] = []
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const start = at
        at = endOfString(text, at)
        if (followedByColon(text, at)) see(text.slice(start, at + 1), open)
        break
      }
      case 0x7b: // {
      case 0x5b: // [
        if (open.length === maxDepth) throw malformed(`a part of this token is nested deeper than ${maxDepth}`)
        open.push([])
        break
      case 0x7d: // }
      case 0x5d: // ]
        open.pop()
        break
    }
  }
}

/** Offset of the closing quote: the first one after an even number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end
    while (text.charCodeAt(before - 1) === BACKSLASH) before--
    if ((end - before) % 2 === 0) return end
  }
  throw malformed('a part of this token is not well-formed JSON')
}

function followedByColon(text: string, end: number): boolean {
  let at = end + 1
  let unit = text.charCodeAt(at)
  while (unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09) unit = text.charCodeAt(++at)
  return unit === COLON
}

function see(quoted: string, open: string[][]): void {
  const names = open.length === 0 ? undefined : open[open.length - 1]
  let name = quoted
  if (quoted.includes('\\')) {
    // The same name can be spelt with escapes.
    try {
      name = JSON.stringify(JSON.parse(quoted))
    } catch {
      throw malformed('a part of this token is not well-formed JSON')
    }
  }
  if (names?.includes(name)) throw malformed('a member name comes twice in this token')
  names?.push(name)
}

function malformed(message: string): JwtError {
  return new JwtError('ERR_JWT_MALFORMED', message)
}
