/** The steps from opening the page to a picture, in order, as a person would name them. */
export const phases = {
  connect: 'Ask the service',
  channel: 'Open the channel',
  setup: 'Greet the camera',
  description: 'Offer and answer',
  ice: 'Find a path (ICE)',
  dtls: 'Secure it (DTLS)',
  proof: 'Check who it is',
  frame: 'First picture',
} as const
export type Phase = keyof typeof phases

export interface PhaseTime {
  phase: Phase
  state: 'waiting' | 'running' | 'done'
  /** Milliseconds since the start of the session; a running phase ends now. */
  startMs: number
  endMs: number
}

/** When each phase ended. A phase starts where the one before it ended. */
export class Timeline {
  readonly #ends = new Map<Phase, number>()
  readonly #startedMs: number

  constructor(nowMs: number) {
    this.#startedMs = nowMs
  }

  /** Marks the end of a phase; only the first time counts. */
  done(phase: Phase, nowMs: number): void {
    if (!this.#ends.has(phase)) this.#ends.set(phase, nowMs - this.#startedMs)
  }

  /** Undefined until there is a picture. */
  get totalMs(): number | undefined {
    return this.#ends.get('frame')
  }

  times(nowMs: number): PhaseTime[] {
    let startMs = 0
    let running = true
    return (Object.keys(phases) as Phase[]).map((phase) => {
      const end = this.#ends.get(phase)
      const state = end !== undefined ? 'done' : running ? 'running' : 'waiting'
      if (end === undefined) running = false
      const endMs = state === 'waiting' ? startMs : Math.max(end ?? nowMs - this.#startedMs, startMs)
      const time: PhaseTime = { phase, state, startMs, endMs }
      startMs = endMs
      return time
    })
  }
}
