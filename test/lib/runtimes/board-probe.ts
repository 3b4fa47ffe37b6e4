// A program for the board's host that does one thing, named by its first argument, and prints what came of it as JSON.
import { encodeHex } from '../../../lib/bytes/index.ts'
import { messageOf } from '../../../lib/errors.ts'
import { sleep } from '../../../lib/runtime/index.ts'
import { type Board, boardStorage, createBoardHost } from '../../../runtimes/quickjs/host.ts'

declare const board: Board

const [command, ...args] = board.args
const host = createBoardHost(board, { log: () => undefined })
const say = (value: unknown): void => {
  board.print(JSON.stringify(value), false)
}

function trust(file: string): void {
  board.trust(new Uint8Array(board.readFile(file, 1_048_576) ?? new ArrayBuffer(0)))
}

async function get(url: string, timeoutMs = 10_000): Promise<unknown> {
  try {
    const { status, body } = await host.http.request({ method: 'GET', url, timeoutMs })
    return { status, length: body.length }
  } catch (thrown) {
    return { code: (thrown as { code?: string }).code, message: messageOf(thrown) }
  }
}

/** Sends each text, and resolves to how it ended when all have come back. */
function echo(url: string, texts: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let received = 0
    const socket = host.webSockets.open(url, {
      opened() {
        for (const text of texts) socket.send(text)
        if (texts.length === 0) socket.close(1000, '')
      },
      text(message) {
        if (message !== texts[received++]) {
          resolve(`message ${received} came back as another`)
          socket.abandon()
        } else if (received === texts.length) socket.close(1000, 'done')
      },
      closed(code, reason) {
        resolve(`${code} ${reason}`)
      },
    }, { maxMessageBytes: 1_048_576 })
  })
}

const commands: Record<string, () => Promise<void>> = {
  /** get CA URL... */
  async get() {
    trust(args[0])
    for (const url of args.slice(1)) say(await get(url))
  },
  async impatient() {
    trust(args[0])
    say(await get(args[1], 500))
  },
  /** echo CA URL */
  async echo() {
    trust(args[0])
    say(await echo(args[1], ['a', '', 'æ€𝄞', 'x'.repeat(126), 'y'.repeat(70_000), 'z'.repeat(300_000)]))
  },
  /** reconnect CA HTTP-URL WS-URL COUNT: says every tenth of it, and waits before the end to be looked at */
  async reconnect() {
    trust(args[0])
    const count = Number(args[3])
    for (let round = 1; round <= count; round++) {
      const answer = await get(args[1]) as { status?: number }
      const ended = await echo(args[2], ['hello'])
      if (answer.status !== 200 || !ended.startsWith('1000')) say({ round, answer, ended })
      if (round % Math.max(1, Math.floor(count / 10)) === 0) say({ round, heap: board.heap?.().usedBytes })
      await sleep(host.clock, 0)
    }
    say('done')
    await sleep(host.clock, 60_000)
  },
  /** files FOLDER */
  async files() {
    const storage = boardStorage(board, args[0], 100)
    const outcome = async (step: Promise<unknown>): Promise<string> => step.then((value) => (value instanceof Uint8Array ? encodeHex(value) : String(value)), (thrown: unknown) => `${(thrown as { code?: string; name: string }).code ?? (thrown as Error).name}: ${messageOf(thrown)}`)
    say(await outcome(storage.read('none')))
    for (const bytes of [Uint8Array.of(), Uint8Array.of(1, 2), new Uint8Array(100).fill(7)]) {
      await storage.write('a', bytes)
      say((await storage.read('a'))?.length)
    }
    await storage.write('a', new Uint8Array(101))
    say(await outcome(storage.read('a')))
    say(await outcome(storage.remove('a')))
    say(await outcome(storage.remove('a')))
    say(await outcome(storage.read('../a')))
    say(await outcome(boardStorage(board, `${args[0]}/none/none`).write('a', Uint8Array.of(1))))
    say(await outcome(boardStorage(board, '/dev/null').write('a', Uint8Array.of(1))))
    try {
      board.readFile(args[0], 10)
    } catch (thrown) {
      say(messageOf(thrown))
    }
  },
  /** crypto D MESSAGE, both hexadecimal */
  async crypto() {
    const [d, message] = args.map((text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)))
    const native = host.nativeCrypto
    const point = native?.p256PublicPoint?.(d) ?? new Uint8Array(0)
    const signature = await native?.p256Signer?.(d, point).sign(message) ?? new Uint8Array(0)
    const verifier = native?.p256Verifier?.(point)
    const other = signature.slice()
    other[40] ^= 1
    say({
      name: board.crypto?.name, point: encodeHex(point), signature: encodeHex(signature), sha256: encodeHex(native?.sha256?.(message) ?? new Uint8Array(0)),
      hmac: encodeHex(native?.hmacSha256?.(d, message) ?? new Uint8Array(0)), emptyKeyHmac: encodeHex(native?.hmacSha256?.(new Uint8Array(0), message) ?? new Uint8Array(0)),
      good: await verifier?.verify(message, signature), bad: await verifier?.verify(message, other), zero: await verifier?.verify(message, new Uint8Array(64)),
    })
    const refusals: [string, () => unknown][] = [
      ['zero', () => board.crypto?.p256Sign(new Uint8Array(32), message)], ['too large', () => board.crypto?.p256PublicPoint(new Uint8Array(32).fill(255))], ['short', () => board.crypto?.p256Sign(new Uint8Array(31), message)],
      ['off the curve', () => board.crypto?.p256Verify(new Uint8Array(65).fill(4), message, signature)], ['no bytes', () => board.crypto?.sha256('text' as unknown as Uint8Array)],
    ]
    for (const [name, refused] of refusals) {
      try {
        say(`${name}: ${String(refused())}`)
      } catch (thrown) {
        say(`${name}: ${messageOf(thrown)}`)
      }
    }
  },
  /** fill CAP-BYTES HOW: grows until it cannot, and does not want to hear of it */
  fill() {
    const grow: Record<string, () => unknown> = {
      objects: () => ({ at: kept.length }),
      strings: () => 'x'.repeat(10_000) + String(kept.length),
      buffers: () => new Uint8Array(50_000),
      'async calls': async () => { await Promise.all(kept.slice(-3)) },
      closures: () => kept.slice(-1).map((last) => () => last),
      parsed: () => JSON.parse(`{"${String(kept.length)}":[{}, "${'é'.repeat(kept.length % 50)}"]}`) as unknown,
    }
    const kept: unknown[] = []
    board.setHeapCap?.(Number(args[0]))
    for (;;) {
      try {
        kept.push(grow[args[1]]())
      } catch {
        say('caught')
      }
    }
  },
  /** Makes garbage that only the collector of cycles can take, many times the cap. */
  async cycles() {
    board.setHeapCap?.(3_000_000)
    for (let round = 0; round < 200; round++) {
      for (let at = 0; at < 500; at++) {
        const one: { other?: unknown; weight: Uint8Array } = { weight: new Uint8Array(100) }
        one.other = { one }
      }
      await sleep(host.clock, 0)
    }
    say('survived')
  },
  throw: () => {
    board.setTimer(1, () => {
      throw new Error('broken on purpose')
    })
    return sleep(host.clock, 10_000)
  },
  reject: async () => {
    void Promise.reject(new Error('rejected on purpose'))
    await sleep(host.clock, 10_000)
  },
  async timers() {
    const seen: number[] = []
    const cancelled = board.setTimer(5, () => seen.push(-1))
    for (const ms of [30, 10, 20, 10, 0]) board.setTimer(ms, () => seen.push(ms))
    board.clearTimer(cancelled)
    board.clearTimer(cancelled)
    const startMs = board.monotonicMs()
    await sleep(host.clock, 50)
    say({ seen, slept: board.monotonicMs() - startMs >= 50, near: Math.abs(board.wallMs() - Number(args[0])) < 60_000 })
  },
  /** listen: echoes what comes, and ends with the second connection */
  async listen() {
    let connections = 0
    const listening = board.listen?.('127.0.0.1', 0, (stream) => {
      if (connections++ > 0) {
        listening?.close()
        say('refused')
        board.exit(0)
        return undefined
      }
      return { opened: () => undefined, data: (bytes: ArrayBuffer) => { stream.write(new Uint8Array(bytes)) }, closed: (failure?: string) => { say(`closed ${failure}`) } }
    })
    say(listening?.port())
    await sleep(host.clock, 60_000)
  },
  /** flood PORT: to a peer that does not read */
  async flood() {
    await new Promise<void>((resolve) => {
      const stream = board.connect('127.0.0.1', Number(args[0]), false, {
        opened() {
          for (let count = 0; count < 300; count++) stream.write(new Uint8Array(65_536))
          say(stream.bufferedBytes() > 0)
        },
        data: () => undefined,
        closed(failure) {
          say(failure)
          resolve()
        },
      })
    })
  },
  /** lookups PORT: looked up, dropped on the way, and refused names; no process and no file may be left */
  async lookups() {
    const failures = new Set<string | undefined>()
    for (let count = 0; count < 100; count++) {
      const dropped = board.connect('localhost', Number(args[0]), false, { opened: () => undefined, data: () => undefined, closed: () => { say('a dropped stream spoke') } })
      dropped.close()
      await new Promise<void>((resolve) => {
        const stream = board.connect('localhost', Number(args[0]), false, {
          opened() {
            stream.close()
            resolve()
          },
          data: () => undefined,
          closed(failure) {
            failures.add(failure)
            resolve()
          },
        })
      })
    }
    for (const [name, port] of [['', 80], ['x'.repeat(256), 80], ['a\0b', 80], ['localhost', 0], ['localhost', 65_536]] as const) {
      await new Promise<void>((resolve) => {
        board.connect(name, port, false, { opened: () => undefined, data: () => undefined, closed: (failure) => {
          failures.add(failure)
          resolve()
        } })
      })
    }
    say([...failures])
    say('done')
    await sleep(host.clock, 60_000)
  },
}

void commands[command]().then(() => {
  board.exit(0)
})
