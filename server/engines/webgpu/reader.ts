/**
 * Reads GPU memory back in chunks, through two mapped buffers that take turns: while one is being visited,
 * the copy into the other is under way.
 */
import { MAP_READ_MODE, USAGE } from './device.ts';

const CHUNK_BYTES = 4 << 20;

export class Reader {
  readonly #device: GPUDevice;
  readonly #buffers: readonly [GPUBuffer, GPUBuffer];
  /** Bytes read back so far. */
  bytesRead = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    const make = () =>
      device.createBuffer({
        label: 'readback',
        size: CHUNK_BYTES,
        usage: USAGE.MAP_READ | USAGE.COPY_DST,
      });
    this.#buffers = [make(), make()];
  }

  /**
   * @param count - items
   * @param bytes - of each, a multiple of 4, at most 4 MiB
   * @param copy - encodes copies of item i to `offset` of a buffer
   * @param visit - called in order; the bytes are valid only during the call
   * @throws what mapping a buffer of a lost device throws
   */
  async read(
    count: number,
    bytes: number,
    copy: (encoder: GPUCommandEncoder, item: number, into: GPUBuffer, offset: number) => void,
    visit: (item: number, bytes: ArrayBuffer, offset: number) => void,
  ): Promise<void> {
    const perChunk = Math.floor(CHUNK_BYTES / bytes);
    const start = (first: number): Promise<undefined> => {
      const into = this.#buffers[(first / perChunk) % 2];
      const encoder = this.#device.createCommandEncoder();
      const end = Math.min(count, first + perChunk);
      for (let item = first; item < end; item++) copy(encoder, item, into, (item - first) * bytes);
      this.#device.queue.submit([encoder.finish()]);
      this.bytesRead += (end - first) * bytes;
      return into.mapAsync(MAP_READ_MODE, 0, (end - first) * bytes);
    };
    let mapped = count > 0 ? start(0) : undefined;
    for (let first = 0; first < count; first += perChunk) {
      const next = first + perChunk < count ? start(first + perChunk) : undefined;
      next?.catch(() => {}); // awaited below, unless this chunk fails first
      await mapped;
      const buffer = this.#buffers[(first / perChunk) % 2];
      const end = Math.min(count, first + perChunk);
      try {
        const range = buffer.getMappedRange(0, (end - first) * bytes);
        for (let item = first; item < end; item++) visit(item, range, (item - first) * bytes);
      } finally {
        buffer.unmap();
      }
      mapped = next;
    }
  }

  dispose(): void {
    for (const buffer of this.#buffers) buffer.destroy();
  }
}
