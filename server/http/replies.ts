/** Replies of one piece, and the headers of every reply. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a page may do is what this page needs; the rest is refused to it, and to whatever gets into it. */
const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Embedder-Policy', 'require-corp'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
  [
    'Permissions-Policy',
    [
      'accelerometer',
      'camera',
      'display-capture',
      'geolocation',
      'gyroscope',
      'hid',
      'magnetometer',
      'microphone',
      'midi',
      'payment',
      'publickey-credentials-get',
      'serial',
      'usb',
      'xr-spatial-tracking',
    ]
      .map((feature) => `${feature}=()`)
      .join(', '),
  ],
  [
    'Content-Security-Policy',
    [
      "default-src 'self'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "style-src 'self' 'unsafe-inline'",
      // WebSockets, too: 'self' covers ws: and wss: of this host.
      "connect-src 'self'",
      "worker-src 'self'",
      "img-src 'self' data: blob:",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; '),
  ],
];
/** A year, for this name only: its parent may have siblings without TLS. */
const HSTS = 'max-age=31536000';

export function replyJson(response: ServerResponse, status: number, body: unknown): void {
  replyBytes(response, status, Buffer.from(JSON.stringify(body)), 'application/json; charset=utf-8');
}

export function replyText(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  replyBytes(response, status, Buffer.from(text), type);
}

/**
 * @param location - relative, because a proxy may have taken a path away
 * @param status - 308: for ever; 307: at the moment
 */
export function redirect(response: ServerResponse, location: string, status: 307 | 308 = 308): void {
  response.setHeader('Location', location);
  replyText(response, status, '');
}

/**
 * Tags the reply. Where the client has it already, that is answered.
 *
 * @param etag - in its quotes
 * @param cache - `Cache-Control`
 * @returns true: 304 was the answer
 */
export function isHeld(
  { headers }: Pick<IncomingMessage, 'headers'>,
  response: ServerResponse,
  etag: string,
  cache: string,
): boolean {
  response.setHeader('ETag', etag);
  response.setHeader('Cache-Control', cache);
  // A proxy that compresses makes a tag weak, and a client may hold several.
  const held = headers['if-none-match']?.split(',').map((one) => one.trim().replace(/^W\//, '')) ?? [];
  if (!held.includes('*') && !held.includes(etag)) return false;
  response.writeHead(304).end();
  return true;
}

/**
 * A picture under its hash never changes; without, it is asked about again.
 *
 * @param asked - the hash in the query; null: there is none
 */
export function replyPicture(
  request: Pick<IncomingMessage, 'headers'>,
  response: ServerResponse,
  png: Buffer,
  hash: string,
  asked: string | null,
): void {
  const cache = asked === hash ? 'public, max-age=31536000, immutable' : 'no-cache';
  if (!isHeld(request, response, `"${hash}"`, cache)) replyBytes(response, 200, png, 'image/png', cache);
}

/** @param cache - `Cache-Control` */
export function replyBytes(
  response: ServerResponse,
  status: number,
  bytes: Buffer,
  type: string,
  cache = 'no-store',
): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': cache,
  });
  response.end(bytes);
}

/**
 * Isolates the client from other sites, as shared memory requires, and forbids it their content.
 *
 * @param isSecure - the browser speaks TLS, and is told to go on doing so
 */
export function setSecurityHeaders(response: ServerResponse, isSecure: boolean): void {
  for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
  if (isSecure) response.setHeader('Strict-Transport-Security', HSTS);
}
