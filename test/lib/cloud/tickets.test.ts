import { createTickets, type Ticket } from '../../../lib/cloud/tickets.ts'
import { createUsedTickets } from '../../../lib/cloud/used-tickets.ts'
import { test } from '../../suite.ts'
import { FRONT } from './support.ts'

const secret = new Uint8Array(32).fill(7)
const ticket: Ticket = { grant: { ...FRONT, kid: 'device:k', channelId: undefined, order: { issuedAt: 5, serial: 6 } }, expiresAtMs: 1000 }

test('a ticket comes back as it was sealed, until it expires', (t) => {
  const tickets = createTickets(secret, {})
  const anonymous: Ticket = { grant: { ...FRONT, kid: undefined, channelId: 'c', order: { issuedAt: 0, serial: 0 } }, expiresAtMs: 1000 }
  for (const one of [ticket, anonymous]) {
    const text = tickets.seal(one)
    t.ok(/^[A-Za-z0-9_-]+$/.test(text))
    t.same(tickets.open(text, 999), one)
    t.throws(() => tickets.open(text, 1000), 'ERR_RENDEZVOUS_FORBIDDEN')
  }
})

test('a ticket that is not exactly one that was sealed is refused', (t) => {
  const tickets = createTickets(secret, {})
  const text = tickets.seal(ticket)
  const refused = (other: string): void => t.throws(() => tickets.open(other, 0), 'ERR_RENDEZVOUS_FORBIDDEN', other.slice(0, 60))
  for (let at = 0; at < text.length; at++) {
    refused(text.slice(0, at))
    refused(`${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`)
  }
  refused(`${text}A`)
  refused('A'.repeat(1024))
  refused('A'.repeat(1025))
  t.throws(() => createTickets(new Uint8Array(32).fill(8), {}).open(text, 0), 'ERR_RENDEZVOUS_FORBIDDEN', 'another secret')
})

test('used tickets are remembered while they live', (t) => {
  const used = createUsedTickets()
  t.equal(used.use('a', 1000, 0), true)
  t.equal(used.use('a', 1000, 999), false)
  t.equal(used.use('b', 1000, 0), true)
  t.equal(used.use('c', 50_000, 20_000), true)
  t.equal(used.use('a', 50_000, 20_000), true, 'forgotten after its time, when the ticket itself is refused')
  t.equal(used.use('d', 1000, -100_000), true)
  t.equal(used.use('e', 20_000, 1000), true)
  t.equal(used.use('d', 20_000, 1000), true, 'after the clock was set back as well')
})
