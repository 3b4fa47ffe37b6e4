export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/**
 * Structured events. Fields never hold a token, a key, a password, a message payload or an SDP.
 * @param event - a stable dotted name such as `signaling.frame.ignored`
 */
export type Log = (level: LogLevel, event: string, fields?: Record<string, string | number | boolean | undefined>) => void

/** A log that keeps nothing. */
export const silentLog: Log = () => undefined
