// The built package, with no permission but to read: a device token, and signatures of WebCrypto beside those in JavaScript. Prints JSON.
import { createSigner, createVerifier, generatePrivateKey } from '../../dist/crypto.js'
import { DeviceTokenGenerator } from '../../dist/device.js'
import { createDenoHost } from '../../runtimes/deno/index.ts'

const host = createDenoHost()
const inJavaScript = { random: host.random }
const key = generatePrivateKey(host.random)
const [native, portable] = [createSigner(key, host), createSigner(key, inJavaScript)]
const message = new TextEncoder().encode('a message')
const changed = message.slice(1)

/** Who made the signature, and who checks it. */
async function across(signer, checker) {
  const signature = await signer.sign(message)
  const verifier = createVerifier(key.publicKey, checker)
  return Promise.all([verifier.verify(message, signature), verifier.verify(changed, signature)])
}

const token = await new DeviceTokenGenerator('wp-showroom', 'wd-camera', native, host).generateToken()
console.log(JSON.stringify({
  token: token.split('.').length,
  nativeByNative: await across(native, host), nativeByPortable: await across(native, {}),
  portableByNative: await across(portable, host), portableByPortable: await across(portable, {}),
}))
