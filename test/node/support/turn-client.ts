import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'

const ALLOCATE = 0x0003
const CREATE_PERMISSION = 0x0008
const MAGIC = 0x2112a442

/** As much of a TURN client (RFC 8656) as shows who is let in and whom one may send to. Answers are 0 or an error code. */
export class TurnClient {
  private readonly socket: Socket = createSocket('udp4')
  private readonly port: number
  private readonly user: { username: string; credential: string }
  private realm = ''
  private nonce = Buffer.alloc(0)

  constructor(port: number, user: { username: string; credential: string }) {
    this.port = port
    this.user = user
  }

  async allocate(family: 4 | 6 = 4): Promise<number> {
    const attributes = [attribute(0x0019, Buffer.from([17, 0, 0, 0])), ...(family === 6 ? [attribute(0x0017, Buffer.from([2, 0, 0, 0]))] : [])]
    // The first answer brings realm and nonce.
    await this.ask(ALLOCATE, attributes)
    return this.ask(ALLOCATE, attributes)
  }

  /** @param address - 4 or 16 bytes */
  permit(address: readonly number[]): Promise<number> {
    const id = randomBytes(12)
    const mask = Buffer.concat([uint32(MAGIC), id])
    const value = Buffer.from([0, address.length === 4 ? 1 : 2, 0, 9, ...address.map((byte, at) => byte ^ mask[at])])
    return this.ask(CREATE_PERMISSION, [attribute(0x0012, value)], id)
  }

  close(): void {
    this.socket.close()
  }

  private async ask(type: number, attributes: Buffer[], id = randomBytes(12)): Promise<number> {
    const { username, credential } = this.user
    const signed = this.realm === '' ? [] : [attribute(0x0006, Buffer.from(username)), attribute(0x0014, Buffer.from(this.realm)), attribute(0x0015, this.nonce)]
    const body = Buffer.concat([...attributes, ...signed])
    const header = (length: number): Buffer => Buffer.concat([Buffer.from([type >> 8, type & 255, length >> 8, length & 255]), uint32(MAGIC), id])
    let message = Buffer.concat([header(body.length), body])
    if (signed.length > 0) {
      const key = createHash('md5').update(`${username}:${this.realm}:${credential}`).digest()
      const mac = createHmac('sha1', key).update(Buffer.concat([header(body.length + 24), body])).digest()
      message = Buffer.concat([header(body.length + 24), body, attribute(0x0008, mac)])
    }
    const answer = await this.answerTo(message, id)
    let code = 0
    for (let at = 20; at + 4 <= answer.length;) {
      const [kind, length] = [answer.readUInt16BE(at), answer.readUInt16BE(at + 2)]
      const value = answer.subarray(at + 4, at + 4 + length)
      if (kind === 0x0009) code = value[2] * 100 + value[3]
      if (kind === 0x0014) this.realm = value.toString()
      if (kind === 0x0015) this.nonce = Buffer.from(value)
      at += 4 + length + ((4 - (length % 4)) % 4)
    }
    return code
  }

  /** A request that was sent twice is answered twice: the answer is the one with its transaction ID, and later ones find nobody. */
  private answerTo(message: Buffer, id: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const send = (): void => { this.socket.send(message, this.port, '127.0.0.1') }
      const done = (): void => {
        clearInterval(again)
        clearTimeout(timer)
        this.socket.off('message', hear)
      }
      const hear = (answer: Buffer): void => {
        if (!answer.subarray(8, 20).equals(id)) return
        done()
        resolve(answer)
      }
      const again = setInterval(send, 1000)
      const timer = setTimeout(() => {
        done()
        reject(new Error('no answer from the TURN server'))
      }, 15_000)
      this.socket.on('message', hear)
      send()
    })
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function attribute(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 255, value.length >> 8, value.length & 255]), value, Buffer.alloc((4 - (value.length % 4)) % 4)])
}
