/** `window.regrow`: what browser tests, or curious players, may ask the client. */

import type { Point } from '../shared/geometry.ts';
import type { HelloMessage, StatsMessage, Tool } from '../shared/protocol.ts';

export interface RegrowHandle {
  /** Whether the client has joined and drawn its first pages. */
  readonly ready: boolean;
  readonly hello: HelloMessage | null;
  readonly stats: StatsMessage | null;
  /** The level at which the view is shown. */
  readonly level: number;
  /** The seed in hand: its species, its cell, and why it cannot grow there, as far as the client knows. */
  readonly heldSeed: {
    readonly species: string;
    readonly x: number;
    readonly y: number;
    readonly reason: string | null;
  } | null;
  /** Frames decoded since the page was opened, and the worker's time for them. */
  readonly decoded: { readonly frames: number; readonly ms: number };
  /** @returns the premultiplied RGBA of a cell as it is shown */
  cellAt(x: number, y: number): [number, number, number, number];
  screenToCell(x: number, y: number): Point;
  cellToScreen(x: number, y: number): Point;
  setCamera(x: number, y: number, zoom: number): void;
  /** Makes a stroke in the same way as a pointer does. @returns false when the client refused it */
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
