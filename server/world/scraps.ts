/**
 * Scraps: a body of which an eraser leaves next to nothing has been killed. It would grow again beside its place, or
 * into something else: of bodies with less than a twentieth left, 8 of 28 ended out of shape and most stood several
 * cells beside their place (five shipped rules, eraser strokes); with more left, 6 of 238.
 */
import { type MatureForm, matureCells } from './mature.ts';

/** What is left is a scrap when it has fewer cells than this part of the mature form's. */
export const SCRAP_SHARE = 0.05;

/**
 * Whether a stroke killed a body: it left a scrap of what was more.
 *
 * @param before - owned cells at the last count
 * @param left - owned cells after the stroke
 */
export function isScrap(before: number, left: number, form: MatureForm): boolean {
  const least = SCRAP_SHARE * matureCells(form);
  return left < least && before >= least;
}
