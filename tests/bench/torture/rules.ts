/** A rule for the torture's players. */
import { PERCEPTION, type Rule } from '../../../server/rules/rule.ts';
import { blobRule } from '../../world/blob.ts';

/** A channel that a blob leaves at 0, and that noise fills. */
const SHAKEN = 6;
/** A unit that a blob leaves unused. */
const UNIT = 7;
/** Of the noise of one stroke, which lies within ±0.5: few cells get more. */
const BEARABLE = 0.48;

/** A blob in which a cell that was shaken too much turns redder without end: its body is then out of range, and wilts. */
export function frailRule(name: string): Rule {
  const rule = blobRule(name);
  const { hidden, w1, b1, w2 } = rule;
  w1[UNIT * PERCEPTION + SHAKEN] = 1;
  b1[UNIT] = -BEARABLE;
  w2[SHAKEN * hidden + UNIT] = 1;
  w2[UNIT] = 1; // of red
  return rule;
}
