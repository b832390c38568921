/**
 * Messages between the page and its decode worker. Buffers are transferred, not shared: shared memory needs an isolated
 * context, which browsers do not give a page on plain HTTP in a local network, and copying a page into a buffer takes
 * microseconds.
 */
import type { PageRect, Rect, Size } from '../../shared/geometry.ts';

/** Most pages with pixels in one batch: what can be uploaded within one drawing. */
export const BATCH_PAGES = 64;
/** Batches that may be on their way or wait to be drawn; until one comes back, the worker sends no more. */
export const BATCHES = 2;

export type ToWorker =
  /** The first message. */
  | { readonly type: 'open'; readonly world: Size }
  /** A new connection: its server knows none of the versions that are held. */
  | { readonly type: 'join'; readonly epoch: number }
  /** A frame as received from the socket; its buffer is transferred. */
  | { readonly type: 'frame'; readonly epoch: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** What is in view. */
  | { readonly type: 'look'; readonly level: number; readonly pages: PageRect }
  /** A batch has been drawn: its buffer comes back, with the keys of pages that the view has dropped. */
  | { readonly type: 'give'; readonly buffer: ArrayBuffer; readonly released: readonly number[] }
  /** Asks for the light of the view and for the map; both come in one answer. */
  | { readonly type: 'light' };

export type FromWorker =
  /** This frame and all before it are decoded; `gaps` are keys of pages that need a keyframe. */
  | {
      readonly type: 'decoded';
      readonly epoch: number;
      readonly frame: number;
      readonly gaps: readonly number[];
      readonly decodeMs: number;
    }
  /** A frame did not follow the grammar; no more frames of this connection will be decoded. */
  | { readonly type: 'broken'; readonly epoch: number; readonly reason: string }
  | Batch
  | Light;

/** Pages that are new or changed, in their newest state. */
export interface Batch {
  readonly type: 'pages';
  /** Page i of `keys` lies at i · PAGE_BYTES. */
  readonly buffer: ArrayBuffer;
  readonly keys: readonly number[];
  /** Pages in which nothing lives. */
  readonly blanks: readonly number[];
}

/** Pictures for a 2D canvas. Null when the last one still holds. */
export interface Light {
  readonly type: 'light';
  /** The softened view, with the cells that it covers. */
  readonly glow: { readonly cells: Rect; readonly image: Picture } | null;
  /** The whole world, as far as it has been seen. */
  readonly map: Picture | null;
}

/** `pixels`: [height, width, 4] RGBA, not premultiplied. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}
