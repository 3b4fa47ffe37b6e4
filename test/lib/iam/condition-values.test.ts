import { parseBool, parseNumber } from '../../../lib/iam/condition-values.ts'
import { isOperator } from '../../../lib/iam/policy.ts'
import { test } from '../../suite.ts'

// protocol/iam.md §10, "Policy: bool", "Policy: number", "Policy: operators".

test('bool is true and false, and nothing else', (t) => {
  t.equal(parseBool('true'), true)
  t.equal(parseBool('false'), false)
  for (const other of ['', 'foo', 'True', '1', 'true ']) t.equal(parseBool(other), undefined, other)
})

test('numbers are what strtod reads to the end', (t) => {
  const cases: [string, number | undefined][] = [
    ['42', 42], ['42.3', 42.3], ['', 0], ['  ', undefined], ['foo', undefined], [' \t42', 42], ['42 ', undefined], ['-1e3', -1000], ['+.5', 0.5],
    ['5.', 5], ['.', undefined], ['1e', undefined], ['0x1F', 31], ['-0x.8', -0.5], ['0x1.8p3', 12], ['0x', undefined], ['0x.', undefined],
    ['0x1p', undefined], ['0b1', undefined], ['1_000', undefined], ['INF', Infinity], ['-infinity', -Infinity], ['infinite', undefined],
    ['nan', NaN], ['NAN(a1)', NaN], ['-nan', NaN], ['1,5', undefined], ['--1', undefined], ['1e400', Infinity], ['0x1p-2', 0.25],
  ]
  for (const [text, wanted] of cases) t.equal(parseNumber(text), wanted, JSON.stringify(text))
})

test('operators are known by their exact names', (t) => {
  for (const name of ['StringEquals', 'StringNotEquals', 'NumericEquals', 'NumericNotEquals', 'NumericLessThan', 'NumericLessThanEquals',
    'NumericGreaterThan', 'NumericGreaterThanEquals', 'Bool']) t.ok(isOperator(name), name)
  for (const name of ['foo', 'stringequals', 'constructor', '']) t.ok(!isOperator(name), name)
})
