/**
 * Serves the built client from memory: no request opens a file, so none can leak a descriptor, miss a file that a new
 * build has removed, or wait for a disk. Without a build, a notice says so.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { isHeld, redirect, replyText } from './replies.ts';
import { compress, ENCODINGS, ENDING, type Encoding, isCompressible } from './variants.ts';

/** The client has 0.8 MB; a folder with more than this is not a client. */
const MAX_BYTES = 64 * 2 ** 20;
const MAX_FILES = 2_000;

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Regrow</title>
<p>The page has not been built. Run <code>npm run build</code> and restart the server. The world itself is running.</p></html>
`;
/** Vite puts a hash of the content into these names, so they never change. */
const HASHED = /^\/assets\//;
const FOREVER = 'public, max-age=31536000, immutable';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

type Coding = Encoding | 'identity';

interface Variant {
  readonly bytes: Buffer;
  /** Strong, because it is a hash of these bytes. */
  readonly etag: string;
}

interface Asset {
  readonly type: string;
  readonly cacheControl: string;
  readonly variants: Map<Coding, Variant>;
}

export class Assets {
  /** By path: `/index.html`. Empty: the client has not been built. */
  readonly #assets = new Map<string, Asset>();

  /**
   * Reads the folder. Later changes of it are not seen.
   *
   * @throws Error when it has more than 2,000 files or 64 MiB
   */
  constructor(folder: string) {
    if (!existsSync(join(folder, 'index.html'))) return;
    const names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    if (names.length > MAX_FILES) throw new Error(`${folder} has more than ${MAX_FILES} files`);
    const all = new Set(names);
    let total = 0;
    const read = (name: string): Buffer => {
      total += statSync(name).size;
      if (total > MAX_BYTES) throw new Error(`${folder} has more than ${MAX_BYTES / 2 ** 20} MiB of files`);
      return readFileSync(name);
    };
    for (const name of names) {
      if (isVariant(name, all)) continue;
      const path = `/${relative(folder, name).split(sep).join('/')}`;
      const variants = new Map<Coding, Variant>([['identity', variantOf(read(name))]]);
      for (const encoding of ENCODINGS) {
        const beside = name + ENDING[encoding];
        if (all.has(beside) && statSync(beside).mtimeMs >= statSync(name).mtimeMs)
          variants.set(encoding, variantOf(read(beside)));
      }
      this.#assets.set(path, {
        type: TYPES[extname(name)] ?? 'application/octet-stream',
        cacheControl: HASHED.test(path) ? FOREVER : 'no-cache',
        variants,
      });
    }
    for (const [path, { type, cacheControl, variants }] of [...this.#assets]) {
      if (extname(path) !== '.html') continue;
      const deeper = Buffer.from(deeperPage(variants.get('identity')!.bytes.toString()));
      this.#assets.set(`/w${path}`, {
        type,
        cacheControl,
        variants: new Map([['identity', variantOf(deeper)]]),
      });
    }
  }

  /** Answers with a page, whatever the address is. @param name - of the page: `/lobby.html` */
  page(request: IncomingMessage, response: ServerResponse, name: string, status: 200 | 404): void {
    const asset = this.#assets.get(name);
    if (asset !== undefined) send(asset, request, response, status);
    else replyText(response, 503, NOT_BUILT, 'text/html; charset=utf-8');
  }

  /** Makes the variants that the build has not made, one after another; until then, files are sent as they are. */
  async compress(): Promise<void> {
    for (const [path, { variants }] of this.#assets) {
      const { bytes } = variants.get('identity')!;
      if (!isCompressible(path, bytes.length)) continue;
      for (const encoding of ENCODINGS)
        if (!variants.has(encoding)) variants.set(encoding, variantOf(await compress(encoding, bytes)));
    }
  }

  /**
   * Answers GET and HEAD. Ranges are ignored, as RFC 9110 allows: no file is large.
   *
   * @param below - `/w`: pages are those whose own address is two levels deeper
   */
  handle(request: IncomingMessage, response: ServerResponse, pathname: string, below = ''): void {
    if (this.#assets.size === 0) {
      replyText(response, pathname === '/' ? 503 : 404, NOT_BUILT, 'text/html; charset=utf-8');
      return;
    }
    const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const asset = this.#assets.get(below + name) ?? this.#assets.get(name);
    if (asset !== undefined) {
      send(asset, request, response);
    } else if (this.#assets.has(`${pathname}/index.html`)) {
      // The page's own relative addresses need the slash.
      redirect(response, `${pathname.slice(pathname.lastIndexOf('/') + 1)}/`);
    } else {
      replyText(response, 404, 'not found\n');
    }
  }
}

/** @param status - 304 takes the place of 200 only */
function send(asset: Asset, request: IncomingMessage, response: ServerResponse, status = 200): void {
  const coding = choose(asset.variants, request.headers['accept-encoding'] ?? '');
  const { bytes, etag } = asset.variants.get(coding)!;
  response.setHeader('Vary', 'Accept-Encoding');
  const condition = status === 200 ? request : { headers: {} };
  if (isHeld(condition, response, etag, asset.cacheControl)) return;
  response.setHeader('Content-Type', asset.type);
  response.setHeader('Content-Length', bytes.length);
  if (coding !== 'identity') response.setHeader('Content-Encoding', coding);
  response.writeHead(status).end(request.method === 'HEAD' ? undefined : bytes);
}

/** The smallest variant that the client likes best. */
function choose(variants: ReadonlyMap<Coding, Variant>, accept: string): Coding {
  const weights = new Map(
    accept.split(',').map((part) => {
      const [coding, ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const weight = parameters.find((one) => one.startsWith('q='));
      return [coding, weight === undefined ? 1 : Number(weight.slice(2)) || 0];
    }),
  );
  let best: Coding = 'identity';
  let bestWeight = 0;
  for (const encoding of ENCODINGS) {
    const weight = weights.get(encoding) ?? weights.get('*') ?? 0;
    if (!variants.has(encoding) || weight <= bestWeight) continue;
    best = encoding;
    bestWeight = weight;
  }
  return best;
}

/**
 * The page for an address two levels deeper: it loads scripts and styles from where the others do, so that a browser keeps
 * them once for all worlds. What these load, they find from their own address.
 */
const deeperPage = (html: string): string =>
  html.replaceAll(/(\s(?:src|href)=")((?:\.\.?\/)+assets\/)/g, '$1../../$2');

/** A compressed copy of a file beside it. */
const isVariant = (name: string, all: ReadonlySet<string>): boolean =>
  ENCODINGS.some((one) => name.endsWith(ENDING[one]) && all.has(name.slice(0, -ENDING[one].length)));

function variantOf(bytes: Buffer): Variant {
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  return { bytes, etag: `"${hash}"` };
}
