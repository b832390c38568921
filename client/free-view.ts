/** What the panels leave of the view: where something that should be seen belongs. */
import type { Rect } from '../shared/geometry.ts';
import { byId } from './dom.ts';

/** The sheet stands on the tools only where the screen is narrow; elsewhere it hangs at the side. */
const NARROW = '(width < 56rem) and (height >= 32rem)';
/** rem that the sheet takes while it is shown, and it is about to be. */
const SHEET_REM = 11.5;

export function freeView(): Rect {
  const { clientWidth, clientHeight } = document.documentElement;
  const header = byId('top').getBoundingClientRect();
  const dock = byId('dock').getBoundingClientRect();
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const sheet = matchMedia(NARROW).matches ? SHEET_REM * rem : 0;
  const height = Math.max(1, Math.min(dock.top, clientHeight) - sheet - header.bottom);
  return { x: 0, y: header.bottom, width: clientWidth, height };
}
