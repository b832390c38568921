/** What organisms lived through, as a journal tells it: whether the torture has tried all that a world can do. Pure. */
import type { Act } from '../../../server/world/acts.ts';
import type { OrganismRecord } from '../../../server/world/organismRecord.ts';

const ABSENCES = {
  died: 'deaths',
  wilting: 'wiltings',
  removed: 'removals',
  withering: 'witherings',
} as const;

export const EVENTS = [
  ...Object.values(ABSENCES),
  'returns',
  'fallen asleep',
  'woken',
  'swaps',
  'rollbacks',
] as const;
export type Event = (typeof EVENTS)[number];

export class Lived {
  readonly counts = new Map<Event, number>();
  readonly #absences = new Map<number, OrganismRecord['absence']>();
  readonly #asleep = new Set<number>();

  /** @param organisms - as they were before the first act */
  constructor(organisms: Iterable<OrganismRecord>) {
    for (const { id, absence, isAsleep } of organisms) {
      this.#absences.set(id, absence);
      if (isAsleep) this.#asleep.add(id);
    }
  }

  take(act: Act): void {
    switch (act.act) {
      case 'organism':
        this.#become(act.record);
        return;
      case 'gone':
        this.#absences.delete(act.organism);
        this.#asleep.delete(act.organism);
        return;
      case 'sleep':
        // Only who was awake falls asleep: sleepers that wake by themselves are no act.
        if (this.#asleep.has(act.organism)) this.#count('woken');
        this.#asleep.add(act.organism);
        this.#count('fallen asleep');
        return;
      case 'wake':
        if (this.#asleep.delete(act.organism)) this.#count('woken');
        return;
      case 'outcome':
        this.#count('swaps');
        if (act.outcome.verdict === 'rolled back') this.#count('rollbacks');
    }
  }

  #become({ id, absence }: OrganismRecord): void {
    const before = this.#absences.get(id);
    this.#absences.set(id, absence);
    if (absence === before) return;
    if (absence !== undefined) this.#count(ABSENCES[absence]);
    else if (before === 'died') this.#count('returns');
  }

  #count(event: Event): void {
    this.counts.set(event, (this.counts.get(event) ?? 0) + 1);
  }
}
