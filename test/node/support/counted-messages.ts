import { decodeCbor } from '../../../lib/cbor/index.ts'
import type { CameraClient } from '../../../lib/client/index.ts'
import type { MediaPeerConnection } from '../../../lib/webrtc/index.ts'

type Client = CameraClient<MediaPeerConnection>

/** One line of a camera's audit. */
export interface AuditLine {
  Sequence: number
  Count: number
  Action: string
  Outcome: string
  User?: string
  Detail?: string
}

/** The latest 32 lines, or those before one. */
export async function auditOf(client: Client, before?: number): Promise<AuditLine[]> {
  const { payload } = await client.coap('GET', '/audit', { query: before === undefined ? [] : [`before=${before}`] })
  return decodeCbor(payload ?? new Uint8Array()) as unknown as AuditLine[]
}

/** Requests that may not be done twice, users made and deleted, and how often the camera's audit says that it has done each. */
export class CountedMessages {
  sent = 0
  readonly #lines = new Map<number, AuditLine>()
  #last: number | undefined

  /** Resolves when each has been answered with success. @param meanwhile - called while they are on their way; up to 30 lines of audit */
  async send(client: Client, count: number, meanwhile?: () => void): Promise<void> {
    const names = Array.from({ length: count }, () => `message-${++this.sent}`)
    const answers = names.map((name) => client.iam.createUser(name))
    meanwhile?.()
    await Promise.all(answers)
    await Promise.all(names.map((name) => client.iam.deleteUser(name)))
    await this.#read(client)
  }

  /** How often users were made, and how often each one was deleted, most often first. */
  done(): { created: number; deleted: number[] } {
    const allowed = [...this.#lines.values()].filter(({ Outcome }) => Outcome === 'allowed')
    const deleted = new Map<string, number>()
    for (const { Action, Detail = '', Count } of allowed) if (Action === 'IAM:DeleteUser') deleted.set(Detail, (deleted.get(Detail) ?? 0) + Count)
    return {
      created: allowed.reduce((sum, { Action, Count }) => sum + (Action === 'IAM:CreateUser' ? Count : 0), 0),
      deleted: [...deleted.values()].sort((a, b) => b - a),
    }
  }

  async #read(client: Client): Promise<void> {
    const page = await auditOf(client)
    if (this.#last !== undefined && page[0].Sequence > this.#last + 1) throw new Error(`audit lines ${this.#last + 1} to ${page[0].Sequence - 1} were not read`)
    for (const line of page) this.#lines.set(line.Sequence, line)
    this.#last = page[page.length - 1].Sequence
  }
}
