import type { JwtClaims } from '../jwt/index.ts'

/** How a token's claims say what role its bearer has. */
export interface OauthRoles {
  /** The claim that lists roles or scopes, such as `roles` or `scope`; for one within another the way to it, such as `['realm_access', 'roles']`. */
  claim: string | readonly string[]
  /** Roles of IAM by what the claim lists; of several that it lists, the one that comes first here. */
  map: Readonly<Record<string, string>>
}

/** What a claim lists: a list of texts, or one text with spaces between them, as `scope` is (RFC 8693 §4.2). */
export function wordsOf(claims: JwtClaims, claim: string | readonly string[]): readonly string[] {
  let value: unknown = claims
  for (const name of typeof claim === 'string' ? [claim] : claim) {
    if (typeof value !== 'object' || value === null || !Object.prototype.hasOwnProperty.call(value, name)) return []
    value = (value as Record<string, unknown>)[name]
  }
  if (typeof value === 'string') return value.split(' ')
  return Array.isArray(value) ? value.filter((word): word is string => typeof word === 'string') : []
}

/** Undefined when nothing that is listed has a role here. */
export function roleOf(claims: JwtClaims, { claim, map }: OauthRoles): string | undefined {
  const words = wordsOf(claims, claim)
  const word = Object.keys(map).find((known) => words.includes(known))
  return word === undefined ? undefined : map[word]
}
