import { encodeUtf8 } from '../bytes/index.ts'
import type { Log } from '../runtime/index.ts'
import type { CoapErrorCode, CoapMethod } from './codes.ts'
import { CoapError } from './errors.ts'
import type { CoapRequest, CoapResponse, RoutedRequest } from './request.ts'
import { coapSegments } from './request.ts'

export type CoapHandler<Context> = (request: RoutedRequest<Context>) => CoapResponse | Promise<CoapResponse>

export interface RouteOptions<Context> {
  /** Content formats of a payload that the handler takes; another, or none, is answered 4.15. Default: the handler looks itself. */
  accepts?: readonly number[]
  /** Content formats that the handler can answer with; a request that wants another is answered 4.06. Default: the handler looks itself. */
  produces?: readonly number[]
  /**
   * Makes a GET observable (RFC 7641). Called once the handler has answered 2.xx; `changed` has the handler run again for
   * this observer. @returns what ends the watch
   */
  watch?(request: RoutedRequest<Context>, changed: () => void): () => void
}

export interface CoapRouter<Context> {
  /**
   * @param pattern - `/iam/users/{user}/role`: an exact segment goes before a parameter at the same place, and there is no
   * way back from a segment taken (protocol/iam.md §3.1)
   * @throws {RangeError} the route is there already, or two routes name a parameter at the same place differently
   */
  on(method: CoapMethod, pattern: string, handler: CoapHandler<Context>, options?: RouteOptions<Context>): void
  /**
   * Never rejects: whatever goes wrong is a response. A path that is not known and a method that its path does not have are
   * both 4.04 (protocol/iam.md §3.1), a handler that fails is 5.00 without a word on why.
   */
  handle(request: CoapRequest, context: Context): Promise<CoapResponse>
  /** Starts the watch of an observable route; undefined where the route has none. */
  watch(request: CoapRequest, context: Context, changed: () => void): (() => void) | undefined
}

export interface CoapRouterOptions {
  /** Handlers that run at the same time, over all connections; one more is answered 5.03. Default 32. */
  maxRunning?: number
  log?: Log
}

interface Route<Context> {
  readonly names: readonly string[]
  readonly handler: CoapHandler<Context>
  readonly options: RouteOptions<Context>
}

interface Place<Context> {
  readonly exact: Map<string, Place<Context>>
  parameter: Place<Context> | undefined
  readonly routes: Map<CoapMethod, Route<Context>>
}

const PARAMETER = /^\{(.+)\}$/

export function createCoapRouter<Context>({ maxRunning = 32, log }: CoapRouterOptions = {}): CoapRouter<Context> {
  const root: Place<Context> = newPlace()
  let running = 0

  function find(request: CoapRequest): { route: Route<Context>; values: string[] } | undefined {
    let place = root
    const values: string[] = []
    for (const segment of request.segments) {
      let next = place.exact.get(segment)
      if (next === undefined && segment !== '' && place.parameter !== undefined) {
        next = place.parameter
        values.push(segment)
      }
      if (next === undefined) return undefined
      place = next
    }
    const route = place.routes.get(request.method)
    return route && { route, values }
  }

  async function run(request: CoapRequest, context: Context): Promise<CoapResponse> {
    const found = find(request)
    if (found === undefined) return diagnosticResponse('4.04', 'Resource not found')
    const { route, values } = found
    const { accepts, produces } = route.options
    if (accepts !== undefined && !(request.contentFormat !== undefined && accepts.includes(request.contentFormat))) {
      return diagnosticResponse('4.15', `Content-Format must be ${accepts.join(' or ')}`)
    }
    if (produces !== undefined && request.accept !== undefined && !produces.includes(request.accept)) {
      return diagnosticResponse('4.06', `Accept can be ${produces.join(' or ')}`)
    }
    if (running >= maxRunning) return diagnosticResponse('5.03', 'Too many requests at once')
    running++
    try {
      return await route.handler(routed(request, route, values, context))
    } finally {
      running--
    }
  }

  return {
    on(method, pattern, handler, options = {}): void {
      const names: string[] = []
      let place = root
      for (const segment of coapSegments(pattern)) {
        const name = PARAMETER.exec(segment)?.[1]
        if (name === undefined) {
          let next = place.exact.get(segment)
          if (next === undefined) place.exact.set(segment, (next = newPlace()))
          place = next
        } else {
          names.push(name)
          place = place.parameter ??= newPlace()
        }
      }
      if (place.routes.has(method)) throw new RangeError(`${method} ${pattern} has a handler already`)
      place.routes.set(method, { names, handler, options })
    },
    async handle(request, context): Promise<CoapResponse> {
      try {
        return await run(request, context)
      } catch (thrown) {
        if (thrown instanceof CoapError) return diagnosticResponse(thrown.responseCode, thrown.diagnostic)
        // What went wrong is the device's own business: the log may know, the client may not.
        log?.('error', 'coap.handler.failed', { error: thrown instanceof Error ? thrown.name : typeof thrown })
        return diagnosticResponse('5.00', 'Internal Server Error')
      }
    },
    watch(request, context, changed): (() => void) | undefined {
      const found = find(request)
      return found?.route.options.watch?.(routed(request, found.route, found.values, context), changed)
    },
  }
}

/** An answer with text for people, which has no Content-Format (RFC 7252 §5.5.2). */
export function diagnosticResponse(code: CoapErrorCode, diagnostic?: string): CoapResponse {
  return diagnostic === undefined ? { code } : { code, payload: encodeUtf8(diagnostic) }
}

function newPlace<Context>(): Place<Context> {
  return { exact: new Map(), parameter: undefined, routes: new Map() }
}

function routed<Context>(request: CoapRequest, { names }: Route<Context>, values: readonly string[], context: Context): RoutedRequest<Context> {
  return {
    ...request,
    context,
    parameter(name): string {
      const at = names.indexOf(name)
      if (at < 0) throw new RangeError(`the route has no parameter ${name}`)
      return values[at]
    },
  }
}
