import { parseStrictObject } from '../../../lib/jwt/strict-json.ts'
import { test } from '../../suite.ts'

test('strict json: objects as they are', (t) => {
  for (const text of ['{}', ' {"a":1}\n', '{"a":{"a":1},"b":[{"a":1},{"a":2}]}', '{"a":"a","b":"a\\":","":0}', '{"a":["a","a"]}', '{"a":"{\\"a\\":1,\\"a\\":2}"}', '{"__proto__":1}']) {
    t.same(parseStrictObject(text, 16), JSON.parse(text), text)
  }
})

test('strict json: a name that comes twice, however it is spelt', (t) => {
  for (const text of ['{"a":1,"a":1}', '{"a":1,"b":{},"a":2}', '{"b":{"a":1,"a":2}}', '{"b":[{"a":1,"a":2}]}', '{"a":1,"\\u0061":2}', '{"a" : 1,"a"\n:2}', '{"":1,"":2}', '{"\\"":1,"\\u0022":2}']) {
    t.throws(() => parseStrictObject(text, 16), 'ERR_JWT_MALFORMED', text)
    t.throws(() => parseStrictObject(text, 16), 'twice', text)
  }
})

test('strict json: what is no JSON object', (t) => {
  for (const text of ['', 'null', '[]', '"a"', '1', '{', '{"a"', '{"a":1}}', '}', '{"a":1,}', '{a:1}', "{'a':1}", '{"a":"\\', '{"a":"b', '{"\\x":1}', '{"a":01}', '\u00a0{}', '{"a":"\n"}']) {
    t.throws(() => parseStrictObject(text, 16), 'ERR_JWT_MALFORMED', text)
  }
})

test('strict json: depth at its bound and one past it', (t) => {
  const nested = (depth: number): string => '{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1)
  t.ok(parseStrictObject(nested(16), 16))
  t.throws(() => parseStrictObject(nested(17), 16), 'deeper than 16')
  t.throws(() => parseStrictObject(`{"a":${'['.repeat(100_000)}`, 16), 'deeper than 16')
  t.throws(() => parseStrictObject(`{"a":${'['.repeat(16)}${']'.repeat(16)}}`, 16), 'deeper than 16')
})
