/**
 * What players did: strokes wait here for the next step boundary, then the engine and the records learn of them. Turns
 * go round addresses and guests, so that nobody's stroke waits for a flood of somebody else's.
 */
import type { StrokeMessage } from '../../shared/protocol.ts';
import { strokeCost } from '../../shared/stroke.ts';
import { type Engine, EngineError, type OrganismId, type Perturbation } from '../engines/engine.ts';
import { FairQueue } from '../fairQueue.ts';
import { Doses } from './doses.ts';
import type { HealthWatch } from './health.ts';
import type { Losses } from './losses.ts';
import { territoryOf } from './mature.ts';
import type { Doer, StrokeOutcome } from './messages.ts';
import type { Organism } from './organism.ts';
import type { Organisms } from './organisms.ts';
import { planStroke } from './perturb.ts';
import { leastPiece } from './pieces.ts';
import type { Planting } from './planting.ts';
import type { RuleSlots } from './ruleSlots.ts';
import { clearCells, scrapsIn } from './scraps.ts';
import type { Swaps } from './swap.ts';
import type { Wilting } from './wilting.ts';
import type { Withering } from './withering.ts';
import { blowsOf, type WoundWatch } from './woundWatch.ts';

/** Largest number of strokes between two steps; the rest wait for the next frame. */
const MAX_STROKES = 64;
/** Cells of strokes between two steps, as `strokeCost` counts them; the first stroke of all may have more. */
const MAX_CELLS = 24_000;
/** Cells of one guest between two steps; their first stroke may have more. */
const MAX_GUEST_CELLS = 3_000;
/** Strokes that wait; further ones are refused. A guest's tabs have at most 8 on their way each. */
const WAITING = { maxPerGuest: 16, maxPerAddress: 64, max: 512 };

export interface StruckWorld {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly slots: RuleSlots;
  readonly planting: Planting;
  readonly health: HealthWatch;
  readonly wounds: WoundWatch;
  readonly wilting: Wilting;
  readonly withering: Withering;
  readonly losses: Losses;
  readonly swaps: Swaps;
}

interface WaitingStroke {
  readonly by: Doer;
  readonly stroke: StrokeMessage;
  readonly answer: (outcome: StrokeOutcome) => void;
}

export class Strokes {
  readonly #world: StruckWorld;
  readonly #waiting = new FairQueue<WaitingStroke>(WAITING);
  readonly #doses = new Doses();
  #applied = 0;

  constructor(world: StruckWorld) {
    this.#world = world;
  }

  /** Waits for the next `apply`; resolves with the outcome. */
  queue(by: Doer, stroke: StrokeMessage): Promise<StrokeOutcome> {
    return new Promise((answer) => {
      const out = this.#waiting.push(by, { by, stroke, answer });
      out?.answer({ ok: false, reason: 'The world is busy: try again in a moment.' });
    });
  }

  /** Strokes that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Between two steps: applies waiting strokes in fair turns, each guest's in order of arrival. */
  async apply(): Promise<void> {
    const cellsOf = new Map<string, number>();
    let cells = 0;
    const mayPass = ({ by, stroke }: WaitingStroke): boolean => {
      const theirs = cellsOf.get(by.guest) ?? 0;
      const cost = strokeCost(stroke);
      return (theirs === 0 || theirs + cost <= MAX_GUEST_CELLS) && (cells === 0 || cells + cost <= MAX_CELLS);
    };
    for (let applied = 0; applied < MAX_STROKES; applied++) {
      const next = this.#waiting.take(mayPass);
      if (next === undefined) return;
      const { by, stroke, answer } = next;
      const cost = strokeCost(stroke);
      cells += cost;
      cellsOf.set(by.guest, (cellsOf.get(by.guest) ?? 0) + cost);
      answer(await this.#apply(by, stroke));
    }
  }

  async #apply(by: Doer, stroke: StrokeMessage): Promise<StrokeOutcome> {
    const { engine, planting, swaps } = this.#world;
    const limit = stroke.tool === 'plant' ? planting.limitFault(by) : null;
    if (limit !== null) return { ok: false, reason: limit };
    // Salts of one stroke's capsules follow each other.
    const salt = Math.imul(this.#applied++, 0x10001);
    const plan = await planStroke(stroke, planting.strokeWorld, salt, (capsules) =>
      this.#doses.shaken(by.guest, stroke, capsules),
    );
    if (!plan.ok) return plan;
    const step = engine.stepNumber;
    if ('seed' in plan) {
      try {
        const { id } = planting.plant(plan.seed, by);
        swaps.strike([id]);
        return { ok: true, step, organisms: [id] };
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        return { ok: false, reason: 'The world is full: nothing more can be planted.' };
      }
    }
    this.#world.losses.struck(plan.hit.keys(), by);
    await this.#hurt(plan.perturbations, plan.hit);
    const [first] = plan.perturbations;
    if (first.kind === 'noise') this.#doses.add(by.guest, stroke, first.capsules);
    return { ok: true, step, organisms: [...plan.hit.keys()] };
  }

  /** Measures just before and after, because a wound begins to heal before the next sample. */
  async #hurt(
    perturbations: readonly Perturbation[],
    hit: ReadonlyMap<OrganismId, readonly number[]>,
  ): Promise<void> {
    const { engine, organisms, slots, health, wounds, wilting, withering, swaps } = this.#world;
    const step = engine.stepNumber;
    for (const id of hit.keys()) if (!wounds.isOpen(id)) await health.measure(id);
    for (const perturbation of perturbations) engine.perturb(perturbation);
    swaps.strike([...hit.keys()]);
    wilting.struck(hit.keys());
    withering.struck(hit.keys());
    for (const [id, touching] of hit) {
      const body = organisms.get(id);
      // What becomes of a body that dissolves is not healing.
      if (body === undefined || body.absence !== null) continue;
      const { label } = slots.at(body.slot);
      const wounded = { id, species: body.species, label, health: body.health };
      wounds.strike(wounded, blowsOf(perturbations, touching, body), step);
      if (perturbations[0].kind === 'ablate') await this.#clearScraps(body);
      await health.measure(id);
    }
  }

  /** Takes the scraps that an eraser has left of a body. If it has nothing else, the count finds it dead. */
  async #clearScraps(body: Organism): Promise<void> {
    const { engine, slots, swaps } = this.#world;
    const forms = [body.slot, ...swaps.heldSlots(body)].map((slot) => slots.at(slot).mature);
    const least = leastPiece(forms);
    // A seed that has just begun to grow is all of its body.
    if (least === 0 || body.cells < least) return;
    const rect = body.territory ?? territoryOf(forms, body.x, body.y);
    const owners = new Uint16Array(rect.width * rect.height);
    await engine.readOwners(rect, owners);
    const owned = Uint8Array.from(owners, (owner) => (owner === body.id ? 1 : 0));
    clearCells(engine, rect, scrapsIn(owned, rect.width, least));
  }
}
