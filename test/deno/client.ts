// A client under Deno, from the sources: `client.ts ENDPOINT PRODUCT DEVICE FINGERPRINT PASSWORD`. Prints what it saw as JSON.
import { createCameraClient } from '../../lib/client/index.ts'
import { createDenoHost } from '../../runtimes/deno/index.ts'
import { countVideo } from '../../runtimes/node/media/index.ts'
import { loadEngine } from '../../runtimes/node/webrtc/index.ts'

declare const Deno: { args: string[]; exit(code: number): never }

const [endpointUrl, productId, deviceId, fingerprint, password] = Deno.args
let pictures = 0
const client = createCameraClient({
  endpointUrl, productId, deviceId,
  createPeerConnection: await loadEngine('werift', { loopbackOnly: true }),
  attach: (connection) => {
    connection.onVideo = (receiver) => { countVideo(receiver, () => pictures++) }
  },
}, createDenoHost())
client.start()
await client.ready()
await client.verify({ fingerprint })
await client.authenticate({ username: 'maria', password })
const { username } = await client.iam.me()
while (pictures < 10) await new Promise((resolve) => setTimeout(resolve, 50))
console.log(JSON.stringify({ verified: client.verifiedDevice === fingerprint, username, pictures }))
client.close()
Deno.exit(0)
