/** Joins pointer and keyboard to the camera, the brush and the inspector. */

import type { Point } from '../../shared/geometry.ts';
import type { Brush } from './brush.ts';
import { PointerInput } from './input.ts';
import type { Inspector } from './inspector.ts';
import { Keys } from './keys.ts';

/** The parts of the stage that hands need. */
export interface HandsStage {
  /** In pixels of the view. Null when the pointer is not over the world. */
  pointer: Point | null;
  /** Whether the player used the keyboard last. */
  isKeyed: boolean;
  /** Draws the overlay again. */
  refresh(): void;
}

/** The parts of the viewpoint that hands need. Places are in pixels of the view. */
export interface HandsView {
  readonly middle: Point;
  toCell(at: Point): Point;
  pan(dx: number, dy: number): void;
  /** @param at - by default the middle of the view */
  zoom(factor: number, at?: Point): void;
}

export interface HandsParts {
  readonly root: HTMLElement;
  readonly surface: HTMLElement;
  readonly stage: HandsStage;
  readonly viewpoint: HandsView;
  readonly brush: Brush;
  readonly inspector: Inspector;
  /** Tells the other players where the pointer is, in cells. */
  readonly point: (at: readonly [number, number] | null) => void;
  readonly help: () => void;
  readonly home: () => void;
}

/** @returns a function that removes all listeners */
export function useHands(parts: HandsParts): () => void {
  const { root, surface, stage, viewpoint, brush, inspector } = parts;

  const hover = (at: Point | null): void => {
    stage.pointer = at;
    stage.isKeyed = false;
    stage.refresh();
    if (at === null) {
      inspector.point(null);
      parts.point(null);
      return;
    }
    const cell = viewpoint.toCell(at);
    parts.point([round(cell.x), round(cell.y)]);
    if (!brush.isDown) inspector.point([cell.x, cell.y]);
  };
  const toolAt = (at: Point): void => {
    const cell = viewpoint.toCell(at);
    if (brush.tool !== 'plant') inspector.follow(cell.x, cell.y);
    brush.down(cell.x, cell.y, performance.now());
    stage.refresh();
  };

  // Set here and not in index.html: before there are listeners, the surface must not take the focus.
  surface.tabIndex = 0;
  const pointer = new PointerInput(surface, {
    dragPans: () => brush.tool === 'hand',
    pan: (dx, dy) => viewpoint.pan(dx, dy),
    zoom: (at, factor) => viewpoint.zoom(factor, at),
    hover,
    toolDown: (at) => {
      stage.pointer = at;
      toolAt(at);
    },
    toolMove: (at) => {
      stage.pointer = at;
      const cell = viewpoint.toCell(at);
      if (brush.isDown) inspector.follow(cell.x, cell.y);
      brush.move(cell.x, cell.y, performance.now());
      parts.point([round(cell.x), round(cell.y)]);
      stage.refresh();
    },
    toolUp: () => brush.up(performance.now()),
    toolCancel: () => brush.cancel(),
    tap: (at) => {
      const cell = viewpoint.toCell(at);
      if (brush.tool === 'hand') inspector.hold(cell.x, cell.y);
    },
    panning: (isOn) => root.toggleAttribute('data-panning', isOn),
  });

  const keyed = (): void => {
    stage.isKeyed = true;
    stage.refresh();
  };
  const keys = new Keys({
    pan: (dx, dy) => {
      keyed();
      viewpoint.pan(dx, dy);
    },
    zoom: (factor) => {
      keyed();
      viewpoint.zoom(factor);
    },
    tool: (id) => {
      keyed();
      brush.choose(id);
    },
    size: (direction) => {
      keyed();
      brush.nudge(direction);
    },
    use: () => {
      keyed();
      toolAt(stage.pointer ?? viewpoint.middle);
      brush.up(performance.now());
    },
    space: (isHeld) => {
      pointer.isSpaceHeld = isHeld;
      root.toggleAttribute('data-panning', isHeld);
    },
    help: parts.help,
    escape: () => {
      brush.cancel();
      inspector.release();
    },
    home: parts.home,
  });

  // A pointer that stands still sends no events, but may have movement that is not sent yet.
  const flush = setInterval(() => brush.rest(performance.now()), 120);

  return () => {
    clearInterval(flush);
    pointer.dispose();
    keys.dispose();
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;
