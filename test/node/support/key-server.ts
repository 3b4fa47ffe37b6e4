import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A key server on loopback that publishes what it is told to. */
export async function keyServer(t: Test): Promise<{ url: string; keys: unknown[] }> {
  const published: { url: string; keys: unknown[] } = { url: '', keys: [] }
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: published.keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  published.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  return published
}
