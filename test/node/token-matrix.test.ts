// Every kind of token at every door, right and wrong in every way. The table of outcomes is token-matrix.md beside this file;
// `TOKEN_MATRIX=write node build/test/node/token-matrix.test.js` writes it anew, for somebody to read before it is committed.
import { readFileSync, writeFileSync } from 'node:fs'
import tap, { type Test } from 'tap'
import { type Door, isIn } from './support/token-doors.ts'
import { RIGHT, type TokenKind } from './support/token-kinds.ts'
import { tokenScene } from './support/token-scene.ts'

tap.setTimeout(170_000)

const FILE = 'test/node/token-matrix.md'

/** What opens which door, by kind where it is right, and what does so although it is not. Everything else must be refused. */
const OPENS: Record<string, string[] | undefined> = {
  'device token': ['device connect', 'put SCTs', 'ice-servers'],
  'client access token': ['client connect', 'ice-servers', 'Edge jwt'],
  'SCT': ['client connect', 'ice-servers', 'Edge sct'],
  'rendezvous JWT, RS256': ['client connect', 'ice-servers', 'Edge jwt'],
  'rendezvous JWT, ES256': ['client connect', 'ice-servers', 'Edge jwt'],
  'OAuth token for the device': ['device OAuth'],
  'STS subject token': ['STS'],
  'STS-issued token': ['device OAuth, STS'],
  'client\'s seat URL': ['seat'],
  'admin token': ['admin'],
  'TURN credential': [],
  'no token': [],
  // No scope is needed for what costs nothing (protocol/webrtc-signaling.md §2).
  'device token, scope of a client': ['ice-servers'],
  'device token, no scope': ['ice-servers'],
  'client access token, scope of a device': ['ice-servers'],
  'client access token, no scope': ['ice-servers'],
  // What is for the other door is right there.
  'rendezvous JWT, RS256, for the STS': ['STS'],
  'rendezvous JWT, ES256, for the STS': ['STS'],
  'OAuth token for the device, for the rendezvous': ['client connect', 'ice-servers', 'Edge jwt'],
  'STS subject token, for the rendezvous': ['client connect', 'ice-servers', 'Edge jwt'],
}
/** What comes in at a product for everybody besides. */
const OPENS_TO_ALL: Record<string, string[] | undefined> = { ...OPENS, 'no token': ['client connect', 'ice-servers', 'Edge sct', 'Edge jwt'] }

/** Shows everything everywhere. @returns rows of the table */
async function fill(t: Test, kinds: TokenKind[], doors: Door[], opens: typeof OPENS): Promise<string[]> {
  const rows = [`| token | | ${doors.map(({ name }) => name).join(' | ')} |`, `|---|---|${'---|'.repeat(doors.length)}`]
  const row = async (kind: string, variant: string, make: () => Promise<string | undefined>): Promise<void> => {
    const outcomes: string[] = []
    for (const { name, show } of doors) {
      const outcome = await show(await make())
      const mayEnter = opens[variant === RIGHT ? kind : `${kind}, ${variant}`]?.includes(name) === true
      if (isIn(outcome) !== mayEnter || (outcome === '200 TURN' && variant !== RIGHT)) t.fail(`${kind}, ${variant}, at ${name}: ${outcome}`)
      outcomes.push(isIn(outcome) ? `**${outcome}**` : outcome)
    }
    rows.push(`| ${kind} | ${variant} | ${outcomes.join(' | ')} |`)
  }
  await row('no token', RIGHT, () => Promise.resolve(undefined))
  for (const { name, variants } of kinds) for (const [variant, make] of variants) await row(name, variant, make)
  return rows
}

void tap.test('every token at every door', { timeout: 150_000 }, async (t) => {
  const { doors, openDoors, kinds, openKinds, device, issuer } = await tokenScene(t)
  const closed = await fill(t, kinds, doors, OPENS)
  const seen = new Set(device.messages.map(({ channelId }) => channelId))
  const entered = closed.join('\n').split('**LOGIN_RESPONSE**').length - 1
  t.equal(seen.size, entered, 'the device heard of those who came in, and of nobody else')
  t.equal(device.messages.length, entered)
  const open = await fill(t, openKinds, openDoors, OPENS_TO_ALL)
  t.ok(issuer.asked < 20, 'nobody makes us ask the key server with every token')

  const text = `${HEAD}\n## A product that asks for a token\n\n${closed.join('\n')}\n\n## A product that lets everybody through\n\nA token that is shown has to be good all the same.\n\n${open.join('\n')}\n`
  if (process.env.TOKEN_MATRIX === 'write') writeFileSync(FILE, text)
  t.equal(text, readFileSync(FILE, 'utf8'), `${FILE} says the same`)
})

const HEAD = `# Every token at every door

Made by token-matrix.test.ts, which compares it with what it finds. One row for each way in which a token can be right or wrong,
made anew for every door; one column for each door, asked for one device. What lets somebody in is bold. Answers are HTTP
statuses, with the OAuth error at the STS and what \`/v1/ice-servers\` gives; close codes of the Edge dialect; codes of CoAP at
the device. One OAuth server signs for rendezvous, STS and device, so that nothing but audience and claims tells its tokens apart.
`
