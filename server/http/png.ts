/**
 * Encodes true pixels as a PNG. zlib compresses in a thread of its own: a large picture must not delay frames. It gets a
 * piece at a time, because what is allocated in pieces of many MB is not given back to the system soon.
 */
import { once } from 'node:events';
import { crc32, createDeflate } from 'node:zlib';
import { straightRow } from '../../shared/straight.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Rows at a time: at most about 2 ms of work, and 1 MB. */
const ROWS_AT_ONCE = 128;
/** Size of the pieces of a compressed picture. */
const CHUNK_BYTES = 64 * 1_024;
const COLOUR_RGBA = 6;

/**
 * @param pixels - [height, width, 4], premultiplied
 * @returns an 8-bit RGBA PNG with the premultiplication undone
 */
export async function encodePng(pixels: Uint8Array, width: number, height: number): Promise<Buffer> {
  const rowBytes = 1 + width * 4;
  const rows = Buffer.alloc(rowBytes * Math.min(height, ROWS_AT_ONCE));
  const deflate = createDeflate({ level: 4, chunkSize: CHUNK_BYTES });
  const compressed: Buffer[] = [];
  deflate.on('data', (piece: Buffer) => compressed.push(piece));
  for (let top = 0; top < height; top += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, height - top);
    // Transparent pixels are not written.
    rows.fill(0);
    // The filter byte stays 0: most pixels are empty, and deflate compresses those well without a filter.
    for (let y = 0; y < count; y++) straightRow(pixels, (top + y) * width * 4, rows, y * rowBytes + 1, width);
    // When it has been taken, the rows may be overwritten.
    await new Promise<void>((resolve, reject) => {
      deflate.write(rows.subarray(0, count * rowBytes), (error) => (error ? reject(error) : resolve()));
    });
  }
  const ended = once(deflate, 'end');
  deflate.end();
  await ended;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, COLOUR_RGBA, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', Buffer.concat(compressed)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt32BE(body.length, 0);
  bytes.write(name, 4, 'latin1');
  bytes.set(body, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + body.length)), 8 + body.length);
  return bytes;
}
