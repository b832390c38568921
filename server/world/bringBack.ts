/** Brings back what was lost, as seeds at their places: no pixels, but the same species, planter and age. */
import type { BroughtBack, LostBody } from '../../shared/adminPeople.ts';
import { EngineError } from '../engines/engine.ts';
import type { Absences } from './absences.ts';
import type { Losses } from './losses.ts';
import type { Wanted } from './messages.ts';
import type { Organism } from './organism.ts';
import type { Organisms } from './organisms.ts';
import type { Planting } from './planting.ts';

/** As many as may grow at the same time when players plant: what grows costs steps. */
export const MAX_BACK_AT_ONCE = 48;

export interface ReturningWorld {
  readonly organisms: Organisms;
  readonly absences: Absences;
  readonly losses: Losses;
  readonly planting: Planting;
  /** World time, seconds. */
  readonly runSeconds: () => number;
  /** Called with what has been planted again. */
  readonly planted: (one: Organism) => void;
}

/** One thing to bring back. @returns why not, for people; null: it is done */
interface Candidate {
  readonly species: string;
  readonly x: number;
  readonly y: number;
  bring(): Promise<string | null>;
}

export class Returns {
  readonly #world: ReturningWorld;

  constructor(world: ReturningWorld) {
    this.#world = world;
  }

  /** Newest first: what is gone, and bodies that were killed and whose seeds wait. */
  get lost(): LostBody[] {
    const { losses } = this.#world;
    const now = this.#world.runSeconds();
    const gone = losses.all.map(
      ({ id, species, x, y, planter, guest, atSeconds, cause, by }): LostBody => ({
        ...{ loss: id, species, x, y, planter, guest, cause, by },
        secondsAgo: Math.max(0, Math.round(now - atSeconds)),
      }),
    );
    const killed = this.#killed.map(({ one, by }): LostBody => {
      const { id, species, x, y, planter, guest, marks } = one;
      const atSeconds = marks.at(-1)?.atSeconds ?? now;
      const secondsAgo = Math.max(0, Math.round(now - atSeconds));
      return { organism: id, species, x, y, planter, guest, cause: 'killed', by, secondsAgo };
    });
    return [...killed, ...gone].sort((a, b) => a.secondsAgo - b.secondsAgo);
  }

  async bring(wanted: Wanted): Promise<BroughtBack> {
    const all = this.#candidates(wanted);
    const refused: BroughtBack['refused'][number][] = [];
    const tried = all.slice(0, MAX_BACK_AT_ONCE);
    for (const candidate of tried) {
      const { species, x, y } = candidate;
      const reason = await candidate.bring();
      if (reason !== null) refused.push({ species, x, y, reason });
    }
    return { organisms: tried.length - refused.length, refused, left: all.length - tried.length };
  }

  get #killed(): { readonly one: Organism; readonly by: LostBody['by'] }[] {
    const { organisms, absences, losses } = this.#world;
    return Array.from(absences.waiting).flatMap((id) => {
      const one = organisms.get(id);
      const by = losses.killerOf(id);
      return one === undefined || by === undefined ? [] : [{ one, by }];
    });
  }

  #candidates(wanted: Wanted): Candidate[] {
    const { organisms, losses } = this.#world;
    if ('loss' in wanted) return this.#ofLosses([wanted.loss]);
    if ('organism' in wanted) {
      const one = organisms.get(wanted.organism);
      return one === undefined ? [] : [this.#ofOrganism(one)];
    }
    const killed = this.#killed.filter(({ by }) => by.guest === wanted.by);
    const gone = losses.all.filter(({ by }) => by.guest === wanted.by);
    return [...killed.map(({ one }) => this.#ofOrganism(one)), ...this.#ofLosses(gone.map(({ id }) => id))];
  }

  #ofOrganism(one: Organism): Candidate {
    const { species, x, y } = one;
    const bring = async (): Promise<string | null> => {
      const fault = await this.#world.absences.bringBack(one);
      if (fault === null) this.#world.losses.isBack(one.id);
      return fault;
    };
    return { species, x, y, bring };
  }

  #ofLosses(ids: readonly number[]): Candidate[] {
    const { losses, planting, planted } = this.#world;
    return ids.flatMap((id) => {
      const loss = losses.get(id);
      if (loss === undefined) return [];
      const { species, x, y } = loss;
      const bring = async (): Promise<string | null> => {
        const fault = await planting.faultAt(species, x, y);
        if (fault !== null) return fault;
        try {
          planted(planting.plantAgain(loss));
        } catch (error) {
          if (!(error instanceof EngineError)) throw error;
          return 'The world is full: nothing more can be planted.';
        }
        losses.found(id);
        return null;
      };
      return [{ species, x, y, bring }];
    });
  }
}
