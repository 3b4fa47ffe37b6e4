// Both ends offer at the same moment, each something else: the client its data channel, the device its picture.
import tap from 'tap'
import { attachVideo, countVideo, createClipSource, loadEngine } from '../../runtimes/node/index.ts'
import { negotiate, until } from './support/negotiating-pair.ts'

for (const [clientEngine, deviceEngine] of [['node-datachannel', 'werift'], ['werift', 'node-datachannel'], ['node-datachannel', 'node-datachannel'], ['werift', 'werift']] as const) {
  void tap.test(`${clientEngine} and ${deviceEngine}`, { timeout: 60_000 }, async (t) => {
    const [client, device] = await Promise.all([clientEngine, deviceEngine].map(async (engine) => (await loadEngine(engine, { loopbackOnly: true }))({ iceServers: [] })))
    let frames = 0
    client.onVideo = (receiver) => { countVideo(receiver, () => frames++) }
    let open = false
    client.createDataChannel('coap').addEventListener('open', () => { open = true })
    const detach = attachVideo(device, createClipSource())
    const pair = negotiate(client, device)
    t.teardown(() => {
      detach()
      pair.close()
    })
    await until(() => open && frames > 5, 'channel and picture')
    t.same(pair.errors, [])
    t.ok(frames > 5)
  })
}
