/** Encodes true pixels as a PNG. zlib compresses in a thread of its own: a large picture must not delay frames. */
import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import { straightRow } from '../../shared/straight.ts';

const deflateAsync = promisify(deflate);
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Rows per turn of the event loop: at most about 2 ms of work. */
const ROWS_PER_TURN = 128;
const COLOUR_RGBA = 6;

/**
 * @param pixels - [height, width, 4], premultiplied
 * @returns an 8-bit RGBA PNG with the premultiplication undone
 */
export async function encodePng(pixels: Uint8Array, width: number, height: number): Promise<Buffer> {
  const rowBytes = 1 + width * 4;
  const rows = Buffer.alloc(rowBytes * height);
  for (let y = 0; y < height; y++) {
    // The filter byte stays 0: most pixels are empty, and deflate compresses those well without a filter.
    straightRow(pixels, y * width * 4, rows, y * rowBytes + 1, width);
    if (y % ROWS_PER_TURN === ROWS_PER_TURN - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, COLOUR_RGBA, 0, 0, 0], 8);
  const compressed = await deflateAsync(rows, { level: 4 });
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', compressed),
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
