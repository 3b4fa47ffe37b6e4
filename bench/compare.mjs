// `node bench/compare.mjs A.json B.json ...`: what lenskey-bench printed in several places, side by side, each beside the first. A file
// is the program's output as it came: the line of JSON is found in it.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** @throws {Error} a file that holds no line of the bench */
export function readReport(file, text) {
  const line = text.split('\n').find((candidate) => candidate.startsWith('{"bench":"lenskey"'))
  if (line === undefined) throw new Error(`${file} holds no line that begins with {"bench":"lenskey"`)
  const report = JSON.parse(line)
  if (!Array.isArray(report.rows) || !report.rows.every(({ row, value, unit }) => typeof row === 'string' && typeof value === 'number' && typeof unit === 'string')) {
    throw new Error(`the rows of ${file} have no names, values and units`)
  }
  return report
}

/** Rows of all reports, in the order in which they first come; a cell is a figure and its ratio to that of the first report. */
export function compare(reports) {
  const keys = [...new Set(reports.flatMap(({ rows }) => rows.map(({ row, unit }) => `${row}|${unit}`)))]
  return keys.map((key) => {
    const [row, unit] = key.split('|')
    const values = reports.map(({ rows }) => rows.find((candidate) => candidate.row === row && candidate.unit === unit)?.value)
    const cells = values.map((value, at) => {
      if (value === undefined) return ''
      const figure = value.toLocaleString('en', { maximumSignificantDigits: 3 })
      return at === 0 || values[0] === undefined ? figure : `${figure} (× ${(value / values[0]).toPrecision(2)})`
    })
    return { row, unit, cells }
  })
}

if (process.argv[1]?.endsWith('compare.mjs')) {
  const files = process.argv.slice(2)
  if (files.length === 0) {
    console.error('usage: node bench/compare.mjs FILE.json...')
    process.exit(2)
  }
  const reports = files.map((file) => readReport(file, readFileSync(file, 'utf8')))
  const heads = reports.map(({ label }, at) => label ?? basename(files[at], '.json'))
  console.log(`| | | ${heads.join(' | ')} |\n|---|---|${heads.map(() => '---:|').join('')}`)
  for (const { row, unit, cells } of compare(reports)) console.log(`| ${row} | ${unit} | ${cells.join(' | ')} |`)
  console.log()
  for (const [at, { engine, crypto, cpu, machine, emulated, version }] of reports.entries()) {
    console.log(`${heads[at]}: lenskey ${version}, ${engine}, ${crypto ?? 'no native crypto'}, ${cpu} (${machine})${emulated ? ', EMULATED: its times say nothing' : ''}`)
  }
}
