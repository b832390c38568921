/** An organism as saves and the journal have it. What it shares with most others is left out of its record. */
import type { Absence } from '../../shared/protocol.ts';
import type { Organism, OrganismFacts } from './organism.ts';

export interface OrganismRecord extends Omit<OrganismFacts, 'slot' | 'absence' | 'dueSeconds'> {
  /** sha256 (hex) of the rule file it lives by. Absent: it lives by the rule in force. */
  readonly rule?: string;
  /** Oldest first. */
  readonly history: readonly number[];
  /** How often the only sample of `history` is there. Only in a save. Absent: once. */
  readonly historyRepeats?: number;
  /** Absent: it had a body. */
  readonly absence?: Absence;
  /** Absent: its seed did not wait. */
  readonly dueSeconds?: number;
  /** Absent: it was awake. Only in a save: the journal has who falls asleep. */
  readonly isAsleep?: boolean;
  /** Written by earlier versions, in place of `absence`: it wilted. */
  readonly isWilting?: boolean;
}

/**
 * An organism's record without the history of its health.
 *
 * @param rule - sha256 (hex) of the rule file that it lives by
 */
export function factsOf(organism: Organism, rule: string): Omit<OrganismRecord, 'history'> {
  const { id, species, x, y, home, planter, plantedStep, plantedSeconds, health } = organism;
  const { guest, address, bornSeconds, visitedSeconds, absence, dueSeconds, isUprooted, wiltings, marks } =
    organism;
  const record = { id, species, rule, x, y, planter, plantedStep, plantedSeconds, health };
  return {
    ...record,
    ...((home.x !== x || home.y !== y) && { home }),
    ...(guest !== '' && { guest }),
    ...(address !== '' && { address }),
    ...(bornSeconds !== plantedSeconds && { bornSeconds }),
    ...(visitedSeconds !== null && { visitedSeconds }),
    ...(absence !== null && { absence }),
    ...(dueSeconds !== null && { dueSeconds }),
    ...(isUprooted && { isUprooted }),
    ...(wiltings > 0 && { wiltings }),
    ...(marks.length > 0 && { marks }),
  };
}
