/** Saves of a world between two steps: its facts, and the pages that a store lacks. */
import type { Engine, EngineFacts, OrganismId, PageState, RuleSlot } from '../engines/engine.ts';
import type { Losses } from './losses.ts';
import type { SwapOutcome } from './messages.ts';
import type { Organisms } from './organisms.ts';
import { type CopyOptions, PageCopies } from './pageCopies.ts';
import { leaveOut, noteOwners } from './recall.ts';
import type { Swaps } from './swap.ts';
import type { JournalPlace, SavedMoment, SavedWorld, WorldFacts, WorldSave } from './worldSave.ts';

export interface SaveOptions extends Pick<CopyOptions, 'between' | 'pause' | 'hasStopped'> {
  /** Whether the store holds a page that has not changed since the last save. */
  readonly canKeep: (page: number) => boolean;
  /** Called at the moment that the save holds, between two frames. */
  readonly atMoment: () => JournalPlace;
}

/** Options of a save of a world that does not run: all of it is written. */
export const stillWorld = (place: JournalPlace): SaveOptions => ({
  canKeep: () => false,
  between: (work) => work(),
  pause: async () => {},
  hasStopped: () => true,
  atMoment: () => place,
});

export interface SavingParts {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly swaps: Swaps;
  readonly losses: Losses;
  readonly nameOf: (slot: RuleSlot) => string;
  /** World time, seconds. */
  readonly runSeconds: () => number;
  /** What became of swaps, oldest first. */
  readonly outcomes: () => readonly SwapOutcome[];
  /** As an admin has set them; null: the server's own setting. */
  readonly stepsPerSecond: () => number | null;
}

export class Saving {
  readonly #parts: SavingParts;
  /** Pages that the engine does not call changed any more, and of which no written save is known. */
  readonly #unsaved = new Set<number>();

  constructor(parts: SavingParts) {
    this.#parts = parts;
  }

  /** Begins a save. Saves must not overlap. Nothing is asked of the engine before `changed` is read. */
  begin(options: SaveOptions): WorldSave {
    const { canKeep, atMoment, ...rest } = options;
    let moment: SavedMoment | null = null;
    const copies = new PageCopies(this.#parts.engine, {
      ...rest,
      isUnsaved: (page) => this.#unsaved.has(page) || !canKeep(page),
      noteUnsaved: (pages) => {
        for (const page of pages) this.#unsaved.add(page);
      },
      atMoment: (facts) => {
        const [kept, gone] = [copies.keptPages(), copies.gonePages()];
        moment = { facts: this.#facts(facts), kept, gone, aside: this.#parts.swaps.aside, ...atMoment() };
      },
    });
    return {
      changed: copies.read(),
      changedCount: () => copies.count,
      moment() {
        if (moment === null) throw new Error('its pages have not been read');
        return moment;
      },
      written: () => this.#unsaved.clear(),
    };
  }

  #facts({ stepNumber, randomSeed, organisms }: EngineFacts): WorldFacts {
    const { engine, nameOf, runSeconds, outcomes, stepsPerSecond, ...parts } = this.#parts;
    const asleep = new Set(organisms.filter(({ isAsleep }) => isAsleep).map(({ id }) => id));
    const swaps = parts.swaps.saved(nameOf);
    const lost = parts.losses.all.toReversed();
    const ended = outcomes();
    const speed = stepsPerSecond();
    return {
      width: engine.width,
      height: engine.height,
      stepNumber,
      randomSeed,
      runSeconds: runSeconds(),
      nextId: parts.organisms.nextId,
      organisms: parts.organisms
        .records(nameOf)
        .map((record) => (asleep.has(record.id) ? { ...record, isAsleep: true } : record)),
      ...(swaps.length > 0 && { swaps }),
      ...(ended.length > 0 && { outcomes: ended }),
      ...(lost.length > 0 && { lost }),
      ...(speed !== null && { stepsPerSecond: speed }),
    };
  }

  /**
   * The pages of a save without the cells of organisms that are left out.
   *
   * @param hadCells - gets the owners of all others
   */
  async *recalled(
    pages: SavedWorld['pages'],
    leftOut: ReadonlySet<OrganismId>,
    hadCells: Set<OrganismId>,
  ): AsyncGenerator<PageState> {
    this.#unsaved.clear();
    for await (const page of pages) {
      if (leaveOut(page, leftOut)) this.#unsaved.add(page.page);
      noteOwners(page, hadCells);
      yield page;
    }
  }
}
