/** Serves the built client's files, or a notice that the client has not been built. */
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import sirv from 'sirv';

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Regrow</title>
<p>The page has not been built. Run <code>npm run build</code> and restart the server. The world itself is running.</p></html>
`;
/** Vite puts a hash of the content into these names, so they never change. */
const HASHED = /^\/assets\//;

export type PageHandler = (request: IncomingMessage, response: ServerResponse) => void;

export function servePages(folder: string): PageHandler {
  if (!existsSync(join(folder, 'index.html'))) {
    return (request, response) => {
      const home = request.url === '/';
      response.writeHead(home ? 503 : 404, { 'Content-Type': 'text/html; charset=utf-8' });
      response.end(request.method === 'HEAD' ? undefined : NOT_BUILT);
    };
  }
  const files = sirv(folder, {
    etag: true,
    gzip: true,
    brotli: true,
    setHeaders: (response, path) => {
      response.setHeader(
        'Cache-Control',
        HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
    },
  });
  return (request, response) =>
    files(request, response, () => {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end('not found\n');
    });
}
