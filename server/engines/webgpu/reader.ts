/**
 * Reads GPU memory back in chunks through two mapped buffers in turn: while one is visited, the GPU copies into the
 * other.
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
    const usage = USAGE.MAP_READ | USAGE.COPY_DST;
    const make = () => device.createBuffer({ label: 'readback', size: CHUNK_BYTES, usage });
    this.#buffers = [make(), make()];
  }

  /**
   * Reads items. Calls must not overlap.
   *
   * @param count - how many items
   * @param bytes - size of an item: a multiple of 4, at most 4 MiB
   * @param copy - encodes the copy of an item to `offset` of a buffer
   * @param visit - called in order; the bytes are valid only during the call
   * @throws the error of mapping a buffer when the device is lost, and any error of `visit`
   */
  async read(
    count: number,
    bytes: number,
    copy: (encoder: GPUCommandEncoder, item: number, into: GPUBuffer, offset: number) => void,
    visit: (item: number, bytes: ArrayBuffer, offset: number) => void,
  ): Promise<void> {
    const perChunk = Math.floor(CHUNK_BYTES / bytes);
    let mapped = this.#start(0, Math.min(count, perChunk), bytes, 0, copy);
    for (let first = 0, turn = 0; first < count; first += perChunk, turn ^= 1) {
      const end = Math.min(count, first + perChunk);
      const next = this.#start(end, Math.min(count, end + perChunk), bytes, turn ^ 1, copy);
      const buffer = this.#buffers[turn];
      try {
        await mapped;
        const range = buffer.getMappedRange(0, (end - first) * bytes);
        for (let item = first; item < end; item++) visit(item, range, (item - first) * bytes);
      } catch (error) {
        // The other buffer must not stay mapped.
        await next.then(
          () => this.#buffers[turn ^ 1].unmap(),
          () => {},
        );
        throw error;
      } finally {
        buffer.unmap();
      }
      mapped = next;
    }
  }

  /** Copies items first .. end - 1 into a buffer; resolves when it is mapped. */
  #start(
    first: number,
    end: number,
    bytes: number,
    turn: number,
    copy: (encoder: GPUCommandEncoder, item: number, into: GPUBuffer, offset: number) => void,
  ): Promise<undefined> {
    if (first >= end) return Promise.resolve(undefined);
    const into = this.#buffers[turn];
    const encoder = this.#device.createCommandEncoder();
    for (let item = first; item < end; item++) copy(encoder, item, into, (item - first) * bytes);
    this.#device.queue.submit([encoder.finish()]);
    this.bytesRead += (end - first) * bytes;
    const mapped = into.mapAsync(MAP_READ_MODE, 0, (end - first) * bytes);
    mapped.catch(() => {}); // `read` awaits it later; until then the rejection must not count as unhandled
    return mapped;
  }

  dispose(): void {
    for (const buffer of this.#buffers) buffer.destroy();
  }
}
