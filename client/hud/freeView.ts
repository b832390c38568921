/** The parts of the view that no panel covers. */
import type { Rect } from '../../shared/geometry.ts';
import { byId } from '../dom.ts';
import type { LabelRoom } from '../scene/label.ts';

/** On a narrow screen the organism's card is a sheet above the tools; elsewhere it is at the side. */
const NARROW = '(width < 56rem) and (height >= 32rem)';
/** Height of that sheet. */
const SHEET_REM = 11.5;

/** Panels over the world between the header and the tools. */
const PANELS = ['inspector', 'minimap', 'learned', 'banner', 'trouble'];

/** @returns the part of the view that stays free when an organism's card is shown; pixels */
export function freeView(): Rect {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  return betweenPanels(matchMedia(NARROW).matches ? SHEET_REM * rem : 0);
}

/** @returns where a label can be read; a hidden panel has an empty rectangle */
export function labelRoom(): LabelRoom {
  return { free: betweenPanels(0), panels: PANELS.map((id) => byId(id).getBoundingClientRect()) };
}

/** @param sheet - pixels to leave out above the tools */
function betweenPanels(sheet: number): Rect {
  const { clientWidth, clientHeight } = document.documentElement;
  const header = byId('top').getBoundingClientRect();
  const dock = byId('dock').getBoundingClientRect();
  const height = Math.max(1, Math.min(dock.top, clientHeight) - sheet - header.bottom);
  return { x: 0, y: header.bottom, width: clientWidth, height };
}
