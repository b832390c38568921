/**
 * The starters: creatures drawn for this project, so that a world can be had without anybody's trademark. They are free of
 * all rights (CC0 1.0): use them for anything. `npm run starters` makes pictures of them.
 */
import type { Drawing } from '../drawing/drawing.ts';
import { drawingOf } from './art.ts';
import { ON_LAND } from './land.ts';
import { IN_WATER } from './water.ts';

export interface Starter {
  readonly name: string;
  /** 16 to 32 cells a side; nothing stops it from growing. */
  readonly drawing: Drawing;
}

/** By name. */
export const STARTERS: readonly Starter[] = [...ON_LAND, ...IN_WATER]
  .map((art) => ({ name: art.name, drawing: drawingOf(art) }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));
