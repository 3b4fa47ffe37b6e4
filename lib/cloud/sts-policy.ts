import { wordsOf } from '../access/oauth-roles.ts'
import { LenskeyError } from '../errors.ts'
import { isObject } from '../signaling/json.ts'
import type { StsPolicy } from './sts.ts'

/** One line of the list: whose subject tokens may be exchanged, and for which devices. Members left out match anything. */
interface StsRule {
  /** `iss` of the subject token. */
  issuer?: string
  /** `sub` of the subject token. */
  subject?: string
  /** The claim, a.b for one inside another, and the word that it must list. */
  claim?: string
  has?: string
  clientId?: string
  /** `<productId>.<deviceId>`, or `<productId>.*` for all of a product. */
  devices: string[]
}

const TEXTS = ['issuer', 'subject', 'claim', 'has', 'clientId'] as const
const MAX_RULES = 10_000
const DEVICE = /^[a-z0-9][a-z0-9._-]*\.(\*|[a-z0-9][a-z0-9_-]*)$/

/**
 * Reads a list of who may have a token for which device; what no rule allows is refused.
 * @param value - `{ "allow": [{ "issuer"?, "subject"?, "claim"?, "has"?, "clientId"?, "devices" }] }`
 * @throws {LenskeyError} `ERR_STS_POLICY`: names the rule and what is wrong with it
 */
export function readStsPolicy(value: unknown): StsPolicy {
  const rules: unknown = isObject(value) ? value.allow : undefined
  if (!Array.isArray(rules) || rules.length > MAX_RULES) throw bad(`it must be {"allow": […]} with at most ${MAX_RULES} rules`)
  const allowed = rules.map((rule: unknown, at) => readRule(rule, `rule ${at + 1}`))
  return ({ subject, issuer, clientId, device: { productId, deviceId } }) => allowed.some((rule) =>
    (rule.issuer ?? issuer) === issuer && (rule.subject ?? subject.subject) === subject.subject &&
    (rule.clientId === undefined || rule.clientId === clientId) &&
    (rule.claim === undefined || wordsOf(subject.claims, rule.claim.split('.')).includes(String(rule.has))) &&
    (rule.devices.includes(`${productId}.${deviceId}`) || rule.devices.includes(`${productId}.*`)))
}

function readRule(rule: unknown, name: string): StsRule {
  if (!isObject(rule)) throw bad(`${name} must be an object`)
  const unknown = Object.keys(rule).find((member) => member !== 'devices' && !(TEXTS as readonly string[]).includes(member))
  // A word spelled wrong would match anything.
  if (unknown !== undefined) throw bad(`${name} has a member "${unknown.slice(0, 20)}"; there are ${TEXTS.join(', ')} and devices`)
  for (const member of TEXTS) if (rule[member] !== undefined && (typeof rule[member] !== 'string' || rule[member] === '')) throw bad(`${name}: ${member} must be a text`)
  if ((rule.claim === undefined) !== (rule.has === undefined)) throw bad(`${name}: claim and has go together`)
  if (rule.subject === undefined && rule.claim === undefined) throw bad(`${name} needs subject or claim: else it would let anybody in`)
  const { devices } = rule
  if (!Array.isArray(devices) || !devices.every((device) => typeof device === 'string' && DEVICE.test(device))) {
    throw bad(`${name}: devices must be a list of PRODUCT.CAMERA in lower case, or PRODUCT.* for all of one product`)
  }
  return rule as unknown as StsRule
}

const bad = (what: string): LenskeyError => new LenskeyError('ERR_STS_POLICY', `the list of who may have tokens: ${what}`)
