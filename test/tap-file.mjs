// Runs one TAP program and says which of its named tests passed, failed or were skipped.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { Parser } from 'tap-parser'

const groups = new Set()

/** Ends every program still running, with all it started. */
export function endAll() {
  for (const pid of groups) endGroup(pid)
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** A tap subtest that holds no other subtest is one test; a program that has no subtests at all is a flat list of tests. */
function collect(parser, path, results) {
  const own = []
  let children = 0
  let closing = false
  parser.on('child', (child) => {
    children++
    closing = true
    collect(child, [...path, child.name], results)
  })
  parser.on('assert', (assert) => {
    if (!closing) own.push(assert)
    closing = false
  })
  // A bare engine reports what went wrong in comments.
  parser.on('comment', (comment) => {
    const last = own[own.length - 1]
    if (last?.ok === false) last.said = `${last.said ?? ''}${comment.replace(/^# ?/, '')}`
  })
  parser.on('complete', () => {
    const named = own.map((assert) => ({ name: [...path, assert.name].join(' › '), state: stateOf(assert), reason: assert.skip, detail: assert.diag ?? assert.said }))
    if (children === 0 && path.length > 0) {
      const failed = named.filter(({ state }) => state === 'failed')
      const skipped = named.find(({ state }) => state === 'skipped')
      const state = !parser.ok || failed.length > 0 ? 'failed' : skipped !== undefined && named.length === 1 ? 'skipped' : 'passed'
      results.push({ name: path.join(' › '), state, reason: skipped?.reason, failed, detail: state === 'failed' ? problemsOf(parser) || undefined : undefined })
    } else {
      // Beside subtests, plain assertions count only when something is wrong with them; alone, each is a test.
      results.push(...named.filter(({ state }) => children === 0 || state !== 'passed'))
    }
  })
}

const stateOf = (assert) => (assert.skip || assert.todo ? 'skipped' : assert.ok ? 'passed' : 'failed')
const problemsOf = (parser) => parser.failures.filter(({ tapError }) => tapError !== undefined).map(({ tapError }) => tapError).join('; ')

/**
 * @param command - program and arguments; its standard output is TAP
 * @returns results of its named tests, and one more failure when the program crashed, hung or left a process behind
 */
export async function runTapFile(command, { timeoutMs, env = {} }) {
  const started = Date.now()
  const child = spawn(command[0], command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, ...env },
  })
  groups.add(child.pid)
  const results = []
  const parser = new Parser()
  collect(parser, [], results)
  let complaints = ''
  child.stderr.on('data', (chunk) => (complaints = (complaints + chunk).slice(-8000)))
  child.stdout.pipe(parser)
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    endGroup(child.pid)
  }, timeoutMs)
  const [[code, signal]] = await Promise.all([once(child, 'exit'), once(parser, 'complete')])
  clearTimeout(timer)
  const leftBehind = timedOut ? [] : await outlives(child.pid)
  endGroup(child.pid)
  groups.delete(child.pid)

  const fail = (name, detail) => results.push({ name, state: 'failed', detail })
  if (timedOut) fail('the file did not end', `stopped after ${timeoutMs / 1000} s\n${complaints}`)
  else if (leftBehind.length > 0) fail('the file left a process behind', `${leftBehind.join(', ')}\n${complaints}`)
  else if (code !== 0 && !results.some(({ state }) => state === 'failed')) fail('the file crashed', `exit ${code ?? signal}\n${complaints}`)
  else if (!parser.ok && !results.some(({ state }) => state === 'failed')) fail('the file printed no valid TAP', problemsOf(parser) || complaints)
  return { results, seconds: (Date.now() - started) / 1000 }
}

/**
 * Children of an ended program get a moment to follow it. One that has ended and waits for the system to notice has followed.
 * @returns names of those that have not; none when all have
 */
async function outlives(group) {
  let left = membersOf(group)
  for (let tries = 0; tries < 20 && left.length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    left = membersOf(group)
  }
  return left
}

function membersOf(group) {
  const found = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [, name, state, , pgrp] = /\((.*)\) (\S) (\d+) (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))
      if (Number(pgrp) === group && state !== 'Z') found.push(`${name} (${pid})`)
    } catch {
      // It has just ended.
    }
  }
  return found
}
