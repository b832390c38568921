/** The compressed variants of the client's files: `server/build.ts` writes them beside the files, `assets.ts` reads them. */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const brotliAsync = promisify(brotliCompress);
const gzipAsync = promisify(gzip);

export const ENCODINGS = ['br', 'gzip'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** What the name of a variant ends in. */
export const ENDING = { br: '.br', gzip: '.gz' } as const satisfies Record<Encoding, string>;

/** Pictures and fonts are compressed already. */
const COMPRESSIBLE = /\.(?:html|js|css|svg|wasm|json|txt|map|webmanifest)$/;
/** Below this, a variant saves no packet. */
const MIN_BYTES = 1_024;

export const isCompressible = (name: string, bytes: number): boolean =>
  bytes >= MIN_BYTES && COMPRESSIBLE.test(name);

/** As small as it gets: 0.9 s for the whole client, in zlib's threads. */
export function compress(encoding: Encoding, bytes: Uint8Array): Promise<Buffer> {
  if (encoding === 'gzip') return gzipAsync(bytes, { level: constants.Z_BEST_COMPRESSION });
  return brotliAsync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}
