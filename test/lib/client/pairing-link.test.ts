import { formatPairingLink, MAX_PAIRING_LINK_LENGTH, parsePairingLink, type PairingLink } from '../../../lib/client/index.ts'
import { test } from '../../suite.ts'

const LINK: PairingLink = {
  frontEnd: 'https://page.test/view', productId: 'pr-1', deviceId: 'de-1', username: 'admin', password: 'ä b&c=#?%', serverConnectToken: 'token', fingerprint: '0a'.repeat(32),
}

test('there and back', (t) => {
  t.same(parsePairingLink(formatPairingLink(LINK)), LINK)
  t.equal(
    formatPairingLink({ ...LINK, password: 'secret' }),
    `https://page.test/view?p=pr-1&d=de-1&u=admin&pwd=secret&sct=token&fp=${LINK.fingerprint}`,
  )
  const { frontEnd, productId, deviceId, password, fingerprint } = LINK
  const open = { frontEnd, productId, deviceId, username: '', password, fingerprint }
  t.same(parsePairingLink(formatPairingLink(open)), open)
})

test('a front end that ends in # keeps the password from its server', (t) => {
  const link = formatPairingLink({ ...LINK, frontEnd: 'https://page.test/view#' })
  t.ok(!link.includes('?'))
  t.same(parsePairingLink(link), LINK)
})

test('members in any order, in either case, with others between', (t) => {
  const { password, ...rest } = parsePairingLink(` http://x/?x=1&fp=${LINK.fingerprint.toUpperCase()}&pwd=s&d=de&p=pr&flag \n`)
  t.equal(password, 's')
  t.same(rest, { frontEnd: 'http://x/', productId: 'pr', deviceId: 'de', username: '', fingerprint: LINK.fingerprint })
})

test('what is no link', (t) => {
  const whole = formatPairingLink(LINK)
  const bad = [
    '', 'https://page.test/', whole.replace('p=pr-1', 'p='), whole.replace('d=de-1&', ''), whole.replace(/pwd=[^&]*/, 'pwd='), whole.slice(0, -1),
    whole.replace('u=admin', 'u=admin&u=other'), whole.replace('u=admin', 'u=%zz'), whole.replace('u=admin', 'u=%ff'), whole.replace(/&fp=.*/, ''),
  ]
  for (const link of bad) t.throws(() => parsePairingLink(link), 'ERR_PAIRING_LINK', link)
  t.throws(() => {
    try {
      parsePairingLink(whole.slice(0, -1))
    } catch (thrown) {
      if (String(thrown).includes(LINK.password)) t.fail('the message holds the password')
      throw thrown
    }
  }, 'ERR_PAIRING_LINK')
})

test('at the bounds, and one past them', (t) => {
  const whole = formatPairingLink({ ...LINK, password: 'p'.repeat(256) })
  t.equal(parsePairingLink(whole).password.length, 256)
  t.throws(() => parsePairingLink(whole.replace('pwd=', 'pwd=p')), 'ERR_PAIRING_LINK')
  const padded = `${whole}&x=`
  const longest = padded + 'x'.repeat(MAX_PAIRING_LINK_LENGTH - padded.length)
  t.throws(() => parsePairingLink(longest), 'more than 256')
  t.throws(() => parsePairingLink(`${longest}x`), 'longer than')
  const long = whole.replace('https://page.test/view', `https://page.test/${'v'.repeat(MAX_PAIRING_LINK_LENGTH - whole.length + 4)}`)
  t.equal(long.length, MAX_PAIRING_LINK_LENGTH)
  t.equal(parsePairingLink(long).productId, 'pr-1')
})
