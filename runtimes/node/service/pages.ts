import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { LenskeyError } from '../../../lib/errors.ts'

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}

const MAX_PAGE_BYTES = 4_194_304

/** A page may load and run what this service serves, and connect to any rendezvous; nobody may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "media-src 'self' blob: mediastream:",
  "connect-src 'self' http: https: ws: wss:", "manifest-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
].join('; ')

/**
 * Serves the files of one folder from memory, `index.html` under `/`. A request never reaches the file system, so no path
 * can lead out of the folder.
 * @param home - where `/` alone leads to, such as `/?product=…&device=…`; default: to the page as it is
 * @throws {LenskeyError} `ERR_PAGES` when there is no such folder or it is larger than a page should be
 */
export function addPages(server: FastifyInstance, dir: string, home?: string): void {
  for (const [name, content] of readPages(dir)) {
    server.get(name === 'index.html' ? '/' : `/${name}`, (request, reply) => {
      if (home !== undefined && request.url === '/') return reply.redirect(home)
      return reply.headers({
        'content-type': contentTypes[extname(name)],
        'content-security-policy': CONTENT_SECURITY_POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      }).send(content)
    })
  }
}

function readPages(dir: string): Map<string, Buffer> {
  const pages = new Map<string, Buffer>()
  let bytes = 0
  try {
    for (const name of readdirSync(dir).filter((entry) => extname(entry) in contentTypes)) {
      const file = join(dir, name)
      bytes += statSync(file).size
      if (bytes > MAX_PAGE_BYTES) throw new LenskeyError('ERR_PAGES', `the pages in ${dir} are larger than ${MAX_PAGE_BYTES} bytes`)
      pages.set(name, readFileSync(file))
    }
  } catch (thrown) {
    throw thrown instanceof LenskeyError ? thrown : new LenskeyError('ERR_PAGES', `cannot read the pages in ${dir}; run: npm run build`, { cause: thrown })
  }
  return pages
}
