/** How long a name may be, as people count. */
import { MAX_NAME_LENGTH } from './limits.ts';

/** UTF-16 units of a name: room for a few emoji of many code points; a family of four has 11. */
export const MAX_NAME_UNITS = 96;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** What people see as single characters. */
export const graphemesOf = (text: string): string[] =>
  Array.from(segmenter.segment(text), ({ segment }) => segment);

/** @returns as many whole graphemes from the start as a name may have; lone surrogates become U+FFFD */
export function cutName(name: string): string {
  let kept = '';
  for (const grapheme of graphemesOf(name.slice(0, 2 * MAX_NAME_UNITS).toWellFormed()).slice(
    0,
    MAX_NAME_LENGTH,
  )) {
    if (kept.length + grapheme.length > MAX_NAME_UNITS) break;
    kept += grapheme;
  }
  return kept;
}
