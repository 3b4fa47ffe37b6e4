import { addOauthEndpoint } from '../../../lib/access/index.ts'
import { createCoapRouter } from '../../../lib/coap/index.ts'
import { defaultConfiguration, type Iam, type IamConnection, openIam } from '../../../lib/iam/index.ts'
import { createJwksCache, type JwksCacheOptions } from '../../../lib/jwt/index.ts'
import { createMemoryStorage } from '../../../runtimes/memory/index.ts'
import { createNodeHost } from '../../../runtimes/node/host.ts'

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

export interface OauthDoor {
  /** Posts a token over a connection of its own. @returns the code, such as `2.01` */
  post(token: string): Promise<string>
  iam: Iam
}

export interface OauthDoorOptions extends JwksCacheOptions {
  productId: string
  deviceId: string
  issuer: string
  jwksUri: string
  host?: ReturnType<typeof createNodeHost>
}

/** The `/webrtc/oauth` of a device whose user `friend` has the OAuth subject `someone`; keys come over real HTTP. */
export async function openOauthDoor(t: TearDown, { productId, deviceId, issuer, jwksUri, host = createNodeHost(), ...cacheOptions }: OauthDoorOptions): Promise<OauthDoor> {
  const iam = await openIam({ storage: createMemoryStorage(), configuration: defaultConfiguration() }, host)
  await iam.users.create('friend', { oauthSubject: 'someone' })
  const router = createCoapRouter<IamConnection>()
  const keys = createJwksCache(jwksUri, host, cacheOptions)
  addOauthEndpoint(router, { iam, productId, deviceId, issuer, keys }, host)
  t.teardown(async () => {
    keys.close()
    await iam.close()
  })
  let count = 0
  return {
    iam,
    async post(token) {
      const connection: IamConnection = { id: String(++count), clientFingerprint: undefined, isLocal: false, isVirtual: true }
      iam.begin(connection)
      const { code } = await router.handle({ method: 'POST', segments: ['webrtc', 'oauth'], payload: Buffer.from(token), contentFormat: 0, query: [] }, connection)
      const isIn = iam.identityOf(connection).user?.username === 'friend'
      iam.end(connection)
      if (isIn !== (code === '2.01')) throw new Error(`${code}, and ${isIn ? 'logged in' : 'not logged in'}`)
      return code
    },
  }
}
