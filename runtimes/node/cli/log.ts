import { type Log, type LogLevel } from '../../../lib/runtime/index.ts'
import { type Terminal } from './command.ts'

const order: LogLevel[] = ['debug', 'info', 'warn', 'error']

export const verboseOption = { verbose: { help: 'print every event, not only what matters' } }

/** Events of the library on standard error, one a line: `12:30:01.250 warn signaling.socket.dead silentMs=1000`. */
export function createLog(terminal: Terminal, least: LogLevel): Log {
  return (level, event, fields = {}) => {
    if (order.indexOf(level) < order.indexOf(least)) return
    const time = new Date().toISOString()
    if (terminal.json) {
      process.stderr.write(`${JSON.stringify({ time, level, log: event, ...fields })}\n`)
      return
    }
    const parts = Object.entries(fields).filter(([, value]) => value !== undefined).map(([name, value]) => ` ${name}=${printable(value)}`)
    process.stderr.write(`${time.slice(11, 23)} ${level} ${event}${parts.join('')}\n`)
  }
}

/** What comes from the network must not move the cursor or forge a line. */
function printable(value: unknown): string {
  const text = String(value)
  return /^[\w.:/@+-]+$/.test(text) ? text : JSON.stringify(text)
}
