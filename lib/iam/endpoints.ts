import { CoapError, type CoapErrorCode, type CoapResponse, type CoapRouter, type RoutedRequest } from '../coap/index.ts'
import type { IamConnection } from './connections.ts'
import { type Asked, type Endpoint } from './endpoint.ts'
import { IamError, type IamErrorCode } from './errors.ts'
import type { Iam } from './iam.ts'
import { fcmTest, notificationEndpoints } from './notification-endpoints.ts'
import { ownEndpoints } from './own-endpoints.ts'
import { pairingEndpoints } from './pairing.ts'
import { settingsEndpoints } from './settings-endpoints.ts'
import { userEndpoints } from './user-endpoints.ts'

const ENDPOINTS: readonly Endpoint[] = [
  ...pairingEndpoints, ...userEndpoints, ...settingsEndpoints, ...notificationEndpoints, ...ownEndpoints,
]

/** What a change that is allowed, and yet cannot be made, is answered with. */
const FAILURES: Partial<Record<IamErrorCode, [CoapErrorCode, string]>> = {
  ERR_IAM_BUSY: ['5.03', 'Handler unavailable'],
  ERR_IAM_STATE_TOO_LARGE: ['5.00', 'Insufficient resources'],
  ERR_IAM_STORAGE: ['5.00', 'Server error'],
}

/** Puts every endpoint on the router. */
export function attachEndpoints<Context extends IamConnection>(iam: Iam, router: CoapRouter<Context>): void {
  for (const endpoint of ENDPOINTS) {
    router.on(endpoint.method, endpoint.path, (request) => {
      if ('read' in endpoint) return endpoint.read({ iam, request, state: iam.state })
      return change(iam, request, endpoint.change)
    })
  }
  if (iam.sendFcm === undefined) return
  const test = fcmTest(iam.sendFcm)
  router.on('POST', '/iam/users/{user}/fcm-test', (request) => test({ iam, request, state: iam.state }))
}

async function change(iam: Iam, request: RoutedRequest<IamConnection>, step: Extract<Endpoint, { change: unknown }>['change']): Promise<CoapResponse> {
  try {
    return await iam.store.change((state) => step({ iam, request, state } satisfies Asked), request.context)
  } catch (thrown) {
    const failure = thrown instanceof IamError ? FAILURES[thrown.code] : undefined
    throw failure === undefined ? thrown : new CoapError(failure[0], failure[1], { cause: thrown })
  }
}
