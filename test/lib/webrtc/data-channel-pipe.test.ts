import { createDataChannelPipe } from '../../../lib/webrtc/index.ts'
import { test } from '../../suite.ts'
import { channelPair, settle } from './channel-pair.ts'

test('text and bytes, whole and in order, until one side closes it', async (t) => {
  const [near, far] = await channelPair()
  const [one, other] = [createDataChannelPipe(near), createDataChannelPipe(far)]
  const received: unknown[] = []
  let closed = 0
  other.onMessage = (message) => void received.push(message)
  one.onClose = other.onClose = () => { closed++ }
  one.send('text')
  one.send(Uint8Array.of(1, 2))
  one.send('')
  await settle()
  t.same(received, ['text', Uint8Array.of(1, 2), ''])
  t.equal(far.binaryType, 'arraybuffer')
  other.close()
  await settle()
  t.equal(closed, 2)
  one.send('too late')
  one.close()
  await settle()
  t.equal(received.length, 3)
  t.equal(closed, 2)
})

test('the longest message there may be, and one byte more, each way', async (t) => {
  for (const direction of ['in', 'out']) {
    for (const [longest, longer] of [[new Uint8Array(8), new Uint8Array(9)], ['12345678', '123456789'], ['ääää', 'ääääx']]) {
      const [near, far] = await channelPair()
      const sender = createDataChannelPipe(near, direction === 'in' ? {} : { maxMessageBytes: 8 })
      const receiver = createDataChannelPipe(far, direction === 'out' ? {} : { maxMessageBytes: 8 })
      const received: unknown[] = []
      receiver.onMessage = (message) => void received.push(message)
      sender.send(longest)
      await settle()
      t.same(received, [longest])
      t.equal(far.readyState, 'open')
      sender.send(longer)
      await settle()
      t.equal(received.length, 1)
      t.equal(far.readyState, 'closed')
    }
  }
})

test('a peer that does not read what it asked for', async (t) => {
  const [near] = await channelPair()
  let waiting = 100
  const slow = new Proxy(near, {
    get(target, name) {
      if (name === 'bufferedAmount') return waiting
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value
    },
  })
  const pipe = createDataChannelPipe(slow, { maxBufferedBytes: 100 })
  pipe.send('at the bound')
  t.equal(near.readyState, 'open')
  waiting = 101
  pipe.send('one past it')
  t.equal(near.readyState, 'closed')
})

test('a message that the engine refuses closes the channel, and is no error for whoever answers', async (t) => {
  const [near, far] = await channelPair()
  near.send = () => { throw new Error('refused') }
  const pipe = createDataChannelPipe(near)
  let closed = 0
  pipe.onClose = () => { closed++ }
  pipe.send('an answer')
  pipe.send(Uint8Array.of(1))
  await settle()
  t.equal(closed, 1)
  t.equal(far.readyState, 'closed')
})
