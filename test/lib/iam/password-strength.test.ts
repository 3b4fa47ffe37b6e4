import { passwordWeakness } from '../../../lib/iam/password-strength.ts'
import { test } from '../../suite.ts'

test('password strength: too short, at the bound and one below', (t) => {
  t.ok(passwordWeakness('kT9#wqZ')?.includes('fewer than 8 characters'))
  t.equal(passwordWeakness('kT9#wqZv'), undefined)
  t.ok(passwordWeakness('')?.includes('8 characters'))
  t.ok(passwordWeakness('äöüßÄÖÜ')?.includes('8 characters'), 'characters, not bytes')
  t.ok(passwordWeakness('🐢🐇🐟🦉')?.includes('8 characters'), 'characters, not code units')
})

test('password strength: few different characters, at the bound and one below', (t) => {
  t.ok(passwordWeakness('aabbccaabbcc')?.includes('4 different'))
  t.equal(passwordWeakness('axmdaxmdxa'), undefined)
  t.ok(passwordWeakness('aAaAaAaAbBbB')?.includes('4 different'), 'case does not count')
})

test('password strength: common words however they are dressed up', (t) => {
  for (const weak of ['password', 'Password1', 'P@ssw0rd', 'passw0rd2026!', '!!password!!', 'letmein123', 'Welcome2026', 'adminadmin', 'iloveyou1', 'changeme!', 'p4ssw0rd', '2026camera']) {
    t.ok(passwordWeakness(weak)?.includes('common word'), weak)
  }
  for (const walk of ['12345678', '87654321', 'qwertyuiop', 'qwerty123', 'abcd1234', 'asdfghjkl', '1qaz2wsx', 'QWERTZ123']) {
    t.ok(passwordWeakness(walk)?.includes('neighbours'), walk)
  }
})

test('password strength: the name of the user', (t) => {
  t.ok(passwordWeakness('grandma-12', 'grandma')?.includes('name of the user'))
  t.ok(passwordWeakness('xGrandmaGrandmax', 'grandma')?.includes('name of the user'))
  t.equal(passwordWeakness('grandma-12', 'bob'), undefined)
  t.equal(passwordWeakness('grandma tea 7 cups', 'grandma'), undefined)
  t.equal(passwordWeakness('kT9#abwqZv', 'ab'), undefined, 'a name of two letters is in many passwords')
})

test('password strength: what generators and people who care make is taken', (t) => {
  for (const good of ['FFzeqrpJTVF4', 'FVfzX9bGP2m4', 'correct horse battery staple', 'test304-blue-owl', '東京の夜空は今日も青い', 'passwordless-living-room']) {
    t.equal(passwordWeakness(good, 'admin'), undefined, good)
  }
})
