/** What can be asked about a world that lives, between two steps. */
import { encodeCensus } from '../../shared/census.ts';
import type { Rect } from '../../shared/geometry.ts';
import type { Engine, OrganismId } from '../engines/engine.ts';
import type { Absences } from './absences.ts';
import { found, inspectionOf, startOf, summaryOf } from './inspect.ts';
import type { Inspection, OrganismSummary, OrganismsQuery, WorldAnswers } from './messages.ts';
import type { Organism } from './organism.ts';
import type { Organisms } from './organisms.ts';
import { organismNear } from './perturb.ts';
import { readPixels } from './pixels.ts';
import type { RuleSlots } from './ruleSlots.ts';
import type { BodyCounts } from './vitals.ts';
import type { Withering } from './withering.ts';

/** Largest distance from the pointer to the seed it means, in cells. */
const SEED_REACH = 4;

export interface OverviewParts {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly slots: RuleSlots;
  readonly absences: Absences;
  readonly withering: Withering;
  /** World time, seconds. */
  readonly runSeconds: () => number;
  /** How long a body must have been without a visit to wither. */
  readonly witherSeconds: number;
  /** Between two samples of health. */
  readonly sampleSeconds: number;
  /** How often somebody has fallen asleep or woken. */
  readonly sleepChanges: () => number;
}

export class Overview {
  readonly #parts: OverviewParts;

  constructor(parts: OverviewParts) {
    this.#parts = parts;
  }

  /** Where the organisms' bodies are. */
  bodyCounts(): BodyCounts {
    const { engine, organisms, absences } = this.#parts;
    const { waiting, dissolving } = absences;
    let awake = 0;
    for (const id of engine.awakeIds()) if (organisms.get(id)?.absence === null) awake++;
    const away = waiting.size + dissolving;
    return { awake, asleep: organisms.size - awake - away, dissolving, waiting: waiting.size };
  }

  /** Species → how many organisms it has. */
  population(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { species } of this.#parts.organisms) counts[species] = (counts[species] ?? 0) + 1;
    return counts;
  }

  /** Ids of the guests who planted a body that lives. */
  planters(): string[] {
    return [...this.#parts.organisms.guests];
  }

  summaries(query: OrganismsQuery = {}): OrganismSummary[] {
    return this.#summariesOf(found(this.#parts.organisms, query));
  }

  /** Summaries of those that a guest has planted. */
  summariesOf(guest: string): OrganismSummary[] {
    return this.#summariesOf(this.#parts.organisms.of(guest));
  }

  #summariesOf(organisms: Iterable<Organism>): OrganismSummary[] {
    const { engine, runSeconds } = this.#parts;
    const moment = { stepNumber: engine.stepNumber, runSeconds: runSeconds() };
    return Array.from(organisms, (one) => summaryOf(one, engine.isAsleep(one.id), moment));
  }

  /** @param known - version of a census that is known; null: none is. @returns null: it is the present one */
  census(known: number | null): WorldAnswers['census'] {
    const { engine, organisms, sleepChanges } = this.#parts;
    const version = organisms.placesVersion + sleepChanges();
    if (version === known) return null;
    const all = Array.from(organisms, ({ id, x, y }) => ({ x, y, isAsleep: engine.isAsleep(id) }));
    return { version, bytes: encodeCensus(all) };
  }

  /** The mean of all that have a body; null: there are none. */
  get meanHealth(): number | null {
    let sum = 0;
    let bodies = 0;
    for (const { absence, health } of this.#parts.organisms) {
      if (absence !== null) continue;
      sum += health;
      bodies++;
    }
    return bodies === 0 ? null : sum / bodies;
  }

  inspect(id: number): Inspection | null {
    const { engine, organisms, slots, withering, runSeconds, sampleSeconds, witherSeconds } = this.#parts;
    const organism = organisms.get(id);
    if (organism === undefined) return null;
    const moment = { stepNumber: engine.stepNumber, runSeconds: runSeconds(), sampleSeconds };
    const seconds = withering.lonelySeconds(organism);
    const lonely = seconds === null ? null : { seconds, ofSeconds: witherSeconds };
    return inspectionOf(organism, slots, engine.isAsleep(id), moment, lonely);
  }

  /** The organism that lives within 2 cells; else the one whose seed waits nearest, within 4 cells. */
  async inspectAt(x: number, y: number): Promise<Inspection | null> {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return null;
    const id = await organismNear(x, y, this.#parts.engine);
    return this.inspect(id === 0 ? this.#seedNear(x, y) : id);
  }

  /** @returns 0: none */
  #seedNear(x: number, y: number): OrganismId {
    let nearest = 0;
    let least = SEED_REACH + 0.5;
    for (const id of this.#parts.absences.waiting) {
      const one = this.#parts.organisms.get(id);
      const away = one === undefined ? least : Math.hypot(one.x - Math.floor(x), one.y - Math.floor(y));
      if (away >= least) continue;
      nearest = id;
      least = away;
    }
    return nearest;
  }

  /** Where a new client looks first. */
  get start(): { readonly x: number; readonly y: number } {
    return startOf(this.#parts.organisms, this.#parts.engine);
  }

  /** @see readPixels */
  pixels(rect: Rect): Promise<Uint8Array<ArrayBuffer>> {
    return readPixels(this.#parts.engine, rect);
  }
}
