/**
 * A published page as one number: its lane, its level and its index there. Cheap as the key of a map and to send
 * between threads.
 * ```
 * key := lane(1 bit) level(4 bits) index(20 bits)
 * ```
 */
import { MAX_WORLD_CELLS, PAGE_CELLS } from '../../shared/geometry.ts';

const INDEX_BITS = 20;
const LEVEL_BITS = 4;
const INDEX_MASK = 2 ** INDEX_BITS - 1;
const LEVEL_MASK = 2 ** LEVEL_BITS - 1;

if ((MAX_WORLD_CELLS / PAGE_CELLS) ** 2 > INDEX_MASK + 1)
  throw new Error('a page index does not fit its key');

/**
 * Each page is published in up to two lanes, each with its own pixels and versions: `fine` in every frame; `coarse`
 * less often and with a larger error, for pages far from the centre and for slow connections.
 */
export const Lane = { fine: 0, coarse: 1 } as const;
export type Lane = (typeof Lane)[keyof typeof Lane];
export const LANES: readonly Lane[] = [Lane.fine, Lane.coarse];

export const pageKey = (level: number, index: number, lane: Lane = Lane.fine): number =>
  (lane << (INDEX_BITS + LEVEL_BITS)) | (level << INDEX_BITS) | index;

export const indexOf = (key: number): number => key & INDEX_MASK;
export const levelOf = (key: number): number => (key >>> INDEX_BITS) & LEVEL_MASK;
export const laneOf = (key: number): Lane => (key >>> (INDEX_BITS + LEVEL_BITS)) as Lane;
/** The key of the same page in the other lane. */
export const twinOf = (key: number): number => key ^ (1 << (INDEX_BITS + LEVEL_BITS));
