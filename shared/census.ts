/**
 * The census on the wire: where all organisms of a world are, and who of them sleeps.
 * ```
 * census := u32 count  u16 x{count}  u16 y{count}  u8 asleep{ceil(count / 8)}
 * ```
 * Little-endian. `x`, `y`: seed positions in cells; one outside the world is at its edge. Bit i % 8 of byte i / 8:
 * organism i sleeps. 20,000 organisms are 82.5 kB.
 */

/** Most organisms of a world. */
const MAX_COUNT = 65_535;
const MAX_CELL = 65_535;

export interface Census {
  readonly count: number;
  /** [count], cells */
  readonly xs: Uint16Array;
  /** [count], cells */
  readonly ys: Uint16Array;
  /** [ceil(count / 8)] */
  readonly asleep: Uint8Array;
}

export const EMPTY_CENSUS: Census = {
  count: 0,
  xs: new Uint16Array(0),
  ys: new Uint16Array(0),
  asleep: new Uint8Array(0),
};

/** The bytes are no census. */
export class CensusError extends Error {
  override name = 'CensusError';
}

export const isAsleep = ({ asleep }: Census, index: number): boolean =>
  ((asleep[index >> 3] >> (index & 7)) & 1) !== 0;

/** @param organisms - at most 65,535 */
export function encodeCensus(
  organisms: readonly { readonly x: number; readonly y: number; readonly isAsleep: boolean }[],
): Uint8Array<ArrayBuffer> {
  const count = organisms.length;
  const bytes = new Uint8Array(sizeOf(count));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, count, true);
  for (const [index, { x, y, isAsleep }] of organisms.entries()) {
    view.setUint16(4 + 2 * index, inWorld(x), true);
    view.setUint16(4 + 2 * (count + index), inWorld(y), true);
    if (isAsleep) bytes[4 + 4 * count + (index >> 3)] |= 1 << (index & 7);
  }
  return bytes;
}

/** @throws CensusError */
export function decodeCensus(bytes: Uint8Array): Census {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw new CensusError(`a census has ${bytes.length} bytes`);
  const count = view.getUint32(0, true);
  if (count > MAX_COUNT) throw new CensusError(`a census of ${count} organisms, at most ${MAX_COUNT} fit`);
  if (bytes.length !== sizeOf(count))
    throw new CensusError(
      `a census of ${count} organisms has ${bytes.length} bytes, expected ${sizeOf(count)}`,
    );
  const xs = new Uint16Array(count);
  const ys = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    xs[i] = view.getUint16(4 + 2 * i, true);
    ys[i] = view.getUint16(4 + 2 * (count + i), true);
  }
  return { count, xs, ys, asleep: bytes.slice(4 + 4 * count) };
}

const sizeOf = (count: number): number => 4 + 4 * count + Math.ceil(count / 8);
const inWorld = (cell: number): number => Math.min(Math.max(cell, 0), MAX_CELL);
