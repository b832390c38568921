/** What the panels leave of the view: where something that should be seen belongs. */
import type { Rect } from '../../shared/geometry.ts';
import { byId } from '../dom.ts';
import type { LabelRoom } from '../scene/label.ts';

/** The sheet stands on the tools only where the screen is narrow; elsewhere it hangs at the side. */
const NARROW = '(width < 56rem) and (height >= 32rem)';
/** rem that the sheet takes while it is shown, and it is about to be. */
const SHEET_REM = 11.5;

/** What hangs over the world between the header and the tools. */
const PANELS = ['inspector', 'minimap', 'learned', 'banner'];

export function freeView(): Rect {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  return betweenPanels(matchMedia(NARROW).matches ? SHEET_REM * rem : 0);
}

/** A hidden panel is an empty rectangle. */
export function labelRoom(): LabelRoom {
  return { free: betweenPanels(0), panels: PANELS.map((id) => byId(id).getBoundingClientRect()) };
}

/** @param sheet - pixels that are kept free above the tools */
function betweenPanels(sheet: number): Rect {
  const { clientWidth, clientHeight } = document.documentElement;
  const header = byId('top').getBoundingClientRect();
  const dock = byId('dock').getBoundingClientRect();
  const height = Math.max(1, Math.min(dock.top, clientHeight) - sheet - header.bottom);
  return { x: 0, y: header.bottom, width: clientWidth, height };
}
