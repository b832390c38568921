/**
 * What passes between the page and its decode worker. Buffers are transferred, never shared: shared memory
 * would need an isolated context, which a page on plain HTTP in a local network does not get, and copying
 * pages into a buffer that is handed over costs microseconds.
 */
import type { Rect, Size } from '../../shared/geometry.ts';
import type { PageRect } from './pyramid.ts';

/** Pages with pixels in one batch: what a drawing can upload and still be in time. */
export const BATCH_PAGES = 64;
/** Batches on their way or waiting to be drawn; the worker holds back when none is left. */
export const BATCHES = 2;

export type ToWorker =
  /** First: the world, and the buffers in which pages will travel. */
  | { readonly type: 'open'; readonly world: Size }
  /** A new connection: nothing held is known to it. */
  | { readonly type: 'join'; readonly session: number }
  /** A frame as it came from the socket; its buffer is transferred. */
  | { readonly type: 'frame'; readonly session: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** What is in view. */
  | { readonly type: 'look'; readonly level: number; readonly pages: PageRect }
  /** A batch has been drawn: its buffer comes back, with the keys of pages that the view has let go. */
  | { readonly type: 'give'; readonly buffer: ArrayBuffer; readonly released: readonly number[] }
  /** Asks for the light of what is in view, and for the map; one answer each. */
  | { readonly type: 'light' };

export type FromWorker =
  /** Everything up to this frame is in the store; `gaps` are keys of pages that need a keyframe. */
  | {
      readonly type: 'decoded';
      readonly session: number;
      readonly frame: number;
      readonly gaps: readonly number[];
      readonly decodeMs: number;
    }
  /** What came is not of the protocol; nothing of this connection will be decoded any more. */
  | { readonly type: 'broken'; readonly session: number; readonly reason: string }
  | Batch
  | Light;

/** Pages that are new or changed, as they are now. */
export interface Batch {
  readonly type: 'pages';
  /** Page i of `keys` lies at i · PAGE_BYTES. */
  readonly buffer: ArrayBuffer;
  readonly keys: readonly number[];
  /** Pages in which nothing lives. */
  readonly blanks: readonly number[];
}

/** Pictures for a 2D canvas: RGBA, not premultiplied. Null: as before. */
export interface Light {
  readonly type: 'light';
  /** The softened view, with the cells that it covers. */
  readonly glow: { readonly cells: Rect; readonly image: Picture } | null;
  /** The whole world, as far as it has been seen. */
  readonly map: Picture | null;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}
