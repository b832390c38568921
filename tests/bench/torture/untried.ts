/** What a run of the torture has not tried. Pure. */
import { KINDS, type Kill } from './kills.ts';
import type { Findings } from './life.ts';
import { EVENTS } from './lived.ts';

/** A shorter run need not try everything. */
const MIN_KILLS = 100;
/** A kind that was aimed at this often must have been hit, however short the run is. */
const MIN_AIMED = 5;

/**
 * @param hasFilled - a disk that can be filled was used
 * @returns a line for each
 */
export function untried(
  { kills, byKind, lived }: Pick<Findings, 'kills' | 'byKind' | 'lived'>,
  hasFilled: boolean,
): string[] {
  const isLong = kills >= MIN_KILLS;
  const kinds: Kill['kind'][] = hasFilled ? [...KINDS, 'full disk'] : [...KINDS];
  const missed = kinds.flatMap((kind) => {
    const { aimed, hit } = byKind.get(kind) ?? { aimed: 0, hit: 0 };
    return hit === 0 && (isLong || aimed >= MIN_AIMED)
      ? [`${kind}: aimed at ${aimed} times, and never hit`]
      : [];
  });
  const absent = EVENTS.filter((event) => isLong && !lived.has(event)).map((event) => `no ${event}`);
  return [...missed, ...absent];
}
