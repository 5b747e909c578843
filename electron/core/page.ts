// The built page as answers: path → bytes, type, headers. The same for the browser door and for the desktop's own scheme.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json; charset=utf-8',
  '.woff2': 'font/woff2',
}

export interface PageAnswer {
  status: number
  headers: Record<string, string>
  body: Uint8Array<ArrayBuffer>
}

const text = (words: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(words)

/** Mantine writes one style element: it gets a nonce, fresh for every answer. Nothing else may be inline, and nothing may be evaluated. */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

/** `path` is the URL's path, query already taken off. The page never needs the token: it is a shell without content. */
export async function pageAnswer(folder: string, path: string): Promise<PageAnswer> {
  const nonce = randomBytes(16).toString('base64')
  const headers: Record<string, string> = {
    'content-security-policy': policy(nonce),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  }
  const gone = (status: number, words: string): PageAnswer => ({ status, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' }, body: text(words) })
  let name: string
  try {
    name = normalize(decodeURIComponent(path === '/' ? '/index.html' : path))
  } catch {
    return gone(400, 'Bad path.\n')
  }
  const type = TYPES[extname(name)]
  if (type === undefined || name.includes('\0') || name.split('/').some((part) => part.startsWith('.'))) return gone(404, 'Not found.\n')
  let body: Uint8Array<ArrayBuffer>
  try {
    body = new Uint8Array(await readFile(join(folder, name)))
  } catch {
    return gone(404, 'Not found.\n')
  }
  if (name.endsWith('.html')) body = text(new TextDecoder().decode(body).replaceAll('__NONCE__', nonce))
  // Built files carry a hash in their name; the shell does not.
  const cache = name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-store'
  return { status: 200, headers: { ...headers, 'content-type': type, 'cache-control': cache }, body }
}
