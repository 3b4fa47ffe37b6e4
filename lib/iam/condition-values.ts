/** Exactly `true` or `false`; undefined for anything else (protocol/iam.md §1.5). */
export function parseBool(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i
const WORD = /^([+-]?)(inf|infinity|nan(?:\(\w*\))?)$/i

/**
 * What C's `strtod` makes of the whole text: leading white space, a sign, decimal or hexadecimal with an exponent, `inf`,
 * `nan`. Empty text is 0, other text without a number, or with anything behind it, undefined (protocol/iam.md §1.5).
 */
export function parseNumber(text: string): number | undefined {
  if (text === '') return 0
  const digits = text.replace(/^[\t\n\v\f\r ]+/, '')
  if (DECIMAL.test(digits)) return Number(digits)
  const word = WORD.exec(digits)
  if (word !== null) return /^i/i.test(word[2]) ? signed(word[1], Infinity) : NaN
  const hexadecimal = HEXADECIMAL.exec(digits)
  return hexadecimal === null ? undefined : parseHexadecimal(hexadecimal)
}

// A group that took part in no match is undefined, which the types of the language do not say.
function parseHexadecimal([, sign, whole, fraction = '', exponent = '0']: (string | undefined)[]): number | undefined {
  const digits = `${whole ?? ''}${fraction}`
  if (digits === '') return undefined
  let mantissa = 0
  for (const digit of digits) mantissa = mantissa * 16 + parseInt(digit, 16)
  return signed(sign, mantissa * Math.pow(2, Number(exponent) - 4 * fraction.length))
}

function signed(sign: string | undefined, value: number): number {
  return sign === '-' ? -value : value
}
