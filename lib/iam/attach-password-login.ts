import type { CoapRouter } from '../coap/index.ts'
import type { IamConnection, PasswordLogin } from './connections.ts'
import type { Iam } from './iam.ts'
import { createPasswordAuthenticator, type PasswordExchange, type PasswordHost } from './password.ts'
import type { PasswordLimits } from './password-attempts.ts'
import { addPasswordEndpoints } from './password-endpoints.ts'

/** Lets connections log in as users of IAM with `/p2p/pwd-auth/1` and `/2` (protocol/iam.md §6). */
export function attachPasswordLogin<Context extends IamConnection>(iam: Iam, router: CoapRouter<Context>, host: PasswordHost, limits?: PasswordLimits): void {
  const authenticator = createPasswordAuthenticator<PasswordLogin>(iam.passwords, host, limits)
  const exchanges = new Map<IamConnection, PasswordExchange>()
  addPasswordEndpoints(router, (connection) => {
    const begun = exchanges.get(connection)
    if (begun !== undefined) return begun
    const exchange = authenticator.exchange({
      fingerprints() {
        const { clientFingerprint: client, deviceFingerprint: device } = connection
        return client === undefined || device === undefined ? undefined : { client, device }
      },
      adopt(login) {
        iam.logIn(connection, login)
      },
      attempted(username, outcome) {
        iam.auditLogin(connection, 'password', username, outcome === 'accepted', outcome === 'throttled' ? outcome : undefined)
      },
    })
    exchanges.set(connection, exchange)
    iam.onEnd(connection, () => {
      exchanges.delete(connection)
      exchange.close()
    })
    return exchange
  })
}
