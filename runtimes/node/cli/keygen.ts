import { deviceKeyId, fingerprintOf, generatePrivateKey, privateKeyToPem, publicKeyToPem } from '../../../lib/crypto/index.ts'
import { createNodeHost } from '../host.ts'
import { type Command } from './command.ts'
import { needAbsent, writeNew } from './files.ts'

export const keygen: Command = {
  name: 'keygen',
  summary: 'Make a key for a camera',
  options: {
    out: { value: 'FILE', help: 'where the private key goes; its public half goes to FILE.pub', required: true },
  },
  notes: [
    'The private key (PKCS#8, PEM) gets mode 0600 and never leaves the camera; `lenskey register` takes the public half.',
    'Existing files are never overwritten.',
  ],
  examples: ['lenskey keygen --out camera-key.pem'],
  run(values, terminal) {
    const { random, nativeCrypto } = createNodeHost()
    const file = values.string('out')
    needAbsent(`${file}.pub`)
    const key = generatePrivateKey(random, nativeCrypto)
    writeNew(file, privateKeyToPem(key), 0o600)
    writeNew(`${file}.pub`, publicKeyToPem(key.publicKey), 0o644)
    const fingerprint = fingerprintOf(key.publicKey)
    const kid = deviceKeyId(key.publicKey)
    terminal.print(
      [`private key  ${file}`, `public key   ${file}.pub`, `fingerprint  ${fingerprint}`, `kid          ${kid}`],
      { privateKey: file, publicKey: `${file}.pub`, fingerprint, kid },
    )
    return Promise.resolve(0)
  },
}
