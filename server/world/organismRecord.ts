/** An organism as saves and the journal have it. What it shares with most others is left out of its record. */
import type { Absence } from '../../shared/protocol.ts';
import type { Organism } from './organism.ts';

export interface OrganismRecord {
  readonly id: number;
  readonly species: string;
  /** sha256 (hex) of the rule file it lives by. Absent: it lives by the rule in force. */
  readonly rule?: string;
  /** Seed position. */
  readonly x: number;
  readonly y: number;
  /** Where its seed was planted first. Absent, also of earlier versions: where it is. */
  readonly home?: Organism['home'];
  /** The planter's name; empty: the garden's. */
  readonly planter: string;
  /** Id of the guest who planted it. Absent: the garden, or a guest of whom no id was kept. */
  readonly guest?: string;
  /** Address that it was planted from (`server/address.ts`). Absent: the garden, or it was not kept. */
  readonly address?: string;
  readonly plantedStep: number;
  /** World time. */
  readonly plantedSeconds: number;
  /** Absent: `plantedSeconds`. */
  readonly bornSeconds?: number;
  /** Absent: not known. */
  readonly visitedSeconds?: number;
  readonly health: number;
  /** Oldest first. */
  readonly history: readonly number[];
  /** How often the only sample of `history` is there. Only in a save. Absent: once. */
  readonly historyRepeats?: number;
  /** Absent: it had a body. */
  readonly absence?: Absence;
  /** Absent: its seed did not wait. */
  readonly dueSeconds?: number;
  /** Absent: false. */
  readonly isUprooted?: boolean;
  /** Absent: it was awake. Only in a save: the journal has who falls asleep. */
  readonly isAsleep?: boolean;
  /** Written by earlier versions, in place of `absence`: it wilted. */
  readonly isWilting?: boolean;
  /** Absent: 0. */
  readonly wiltings?: number;
  /** Absent: none. */
  readonly marks?: Organism['marks'];
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
