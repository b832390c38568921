/** `window.regrow`: what a browser test, or a curious player, may ask of the page. */

import type { Point } from '../shared/geometry.ts';
import type { HelloMessage, StatsMessage, Tool } from '../shared/protocol.ts';

export interface RegrowHandle {
  /** Joined, and the first pages are drawn. */
  readonly ready: boolean;
  readonly hello: HelloMessage | null;
  readonly stats: StatsMessage | null;
  /** The level of the pyramid that is shown. */
  readonly level: number;
  /** The seed in hand with the plant tool, the cell it is held over and why it cannot grow there, as far as is known. */
  readonly heldSeed: {
    readonly species: string;
    readonly x: number;
    readonly y: number;
    readonly reason: string | null;
  } | null;
  /** Frames decoded by this page, and the time it took in the worker. */
  readonly decoded: { readonly frames: number; readonly ms: number };
  /** Premultiplied RGBA as this page shows it. */
  cellAt(x: number, y: number): [number, number, number, number];
  screenToCell(x: number, y: number): Point;
  cellToScreen(x: number, y: number): Point;
  setCamera(x: number, y: number, zoom: number): void;
  /** Goes the same way as a pointer's; false when it was refused here. */
  stroke(tool: Tool, radius: number, points: readonly number[], species?: string): boolean;
}

declare global {
  interface Window {
    regrow?: RegrowHandle;
  }
}

export function expose(handle: RegrowHandle): void {
  window.regrow = Object.freeze(handle);
}
