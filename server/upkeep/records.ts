/**
 * A world's records, brought forward by its journal without an engine: who lives, which swaps are watched, how far it
 * has come. Every entry is checked for its shape and its place in time on the way.
 */
import { stepsBetween } from '../../shared/numbers.ts';
import type { OrganismId } from '../engines/engine.ts';
import { type Act, EntryError } from '../world/acts.ts';
import type { OrganismRecord } from '../world/organismRecord.ts';
import type { JournalEntry } from '../world/replay.ts';
import type { Facts } from '../world/savedFiles.ts';
import type { SavedSwap } from '../world/savedSwap.ts';

/** Every act, so that the compiler finds one that is missing here. */
const ACTS: Readonly<Record<Act['act'], true>> = {
  perturb: true,
  plant: true,
  territory: true,
  rule: true,
  remove: true,
  sleep: true,
  wake: true,
  bodies: true,
  cells: true,
  organism: true,
  gone: true,
  lost: true,
  found: true,
  fallow: true,
  swaps: true,
  struck: true,
  outcome: true,
  speed: true,
};

export class Records {
  readonly width: number;
  readonly height: number;
  step: number;
  /** World time. */
  runSeconds: number;
  swaps: readonly SavedSwap[];
  readonly organisms: Map<OrganismId, OrganismRecord>;
  /** Kernels that have stepped the world since the save. */
  readonly kernels = new Set<string>();

  /** @param facts - of a save */
  constructor(facts: Facts) {
    this.width = facts.width;
    this.height = facts.height;
    this.step = facts.stepNumber;
    this.runSeconds = facts.runSeconds;
    this.swaps = facts.swaps ?? [];
    this.organisms = new Map(facts.organisms.map((one) => [one.id, one]));
  }

  /** Rules by which somebody lives, or may live again when a swap is rolled back: sha256, hex. */
  get rules(): Set<string> {
    const rules = new Set<string>();
    for (const { rule } of this.organisms.values()) if (rule !== undefined) rules.add(rule);
    for (const { rule, fallback, proven, prior } of this.swaps)
      for (const one of [rule, fallback, ...[...proven, ...prior].map(([, other]) => other)])
        if (one !== null) rules.add(one);
    return rules;
  }

  /** @throws EntryError when it does not follow; nothing has changed then */
  take({ entry, pages }: JournalEntry, kernel: string): void {
    const { acts, step, runSeconds } = entry;
    if (!Array.isArray(acts) || !Number.isInteger(step)) throw new EntryError('it is not an entry');
    let at = this.step;
    let cells = 0;
    for (const [before, act] of acts) {
      at = this.#next(at, before);
      if (!Object.hasOwn(ACTS, act?.act)) throw new EntryError(`no act is called ${act?.act}`);
      if (act.act === 'cells') cells += act.pages;
    }
    this.#next(at, step);
    if (cells !== pages.length)
      throw new EntryError(`its acts replace ${cells} pages, and ${pages.length} are there`);
    for (const [, act] of acts) this.#do(act);
    this.step = step;
    this.runSeconds = runSeconds;
    this.kernels.add(kernel);
  }

  #next(from: number, to: number): number {
    if (!(stepsBetween(from, to) <= 2 ** 31))
      throw new EntryError(`the world is at step ${from}, and it is about step ${to}`);
    return to;
  }

  #do(act: Act): void {
    if (act.act === 'organism') this.organisms.set(act.record.id, act.record);
    else if (act.act === 'gone') this.organisms.delete(act.organism);
    else if (act.act === 'swaps') this.swaps = act.swaps;
  }
}

/** The rules that replaying an entry needs: sha256, hex. */
export function rulesOf({ entry }: JournalEntry): string[] {
  return entry.acts.flatMap(([, act]) => {
    if (act.act === 'plant' || act.act === 'rule') return [act.rule.sha256];
    return act.act === 'organism' && act.record.rule !== undefined ? [act.record.rule] : [];
  });
}
