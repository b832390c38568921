/**
 * Wounds as they open, are hit again and close. It does not see cells: the world reports strokes and measurements, and
 * takes the events for the session's record (`sessions/draft.ts`). Time is counted in steps: in a paused world nothing
 * heals and no wound is given up. It costs nothing while no wound is open.
 */

import { stepsBetween } from '../../shared/numbers.ts';
import type { Capsule, OrganismId, Perturbation } from '../engines/engine.ts';
import { type Blow, MAX_BLOWS, type Wound } from './wound.ts';

/** A wound is healed at this share of the health before it. */
export const HEALED_SHARE = 0.95;
/** Least steps from a blow to the verdict "healed": a dragged brush strikes ten times per second. */
export const QUIET_STEPS = 15;
/** A wound is given up after this long without a blow and without being whole: 60 s at 30 steps per second. */
const GIVE_UP_STEPS = 1_800;
/** A wound is given up, too, when the body's health has been the same for this long: it does not heal any more. */
export const SETTLED_STEPS = 600;
/** Healths that differ by at most this are the same. */
const SAME = 0.02;
/** Least steps between two reports of an open wound's health; after a crash, the last one counts. */
export const LOOK_STEPS = 60;

export type BlowShape = Omit<Blow, 'afterSteps'>;

/** `wound`: 1, 2, 3 … within one process. */
export type WoundEvent =
  | ({ readonly type: 'open'; readonly wound: number; readonly organism: OrganismId } & Pick<
      Wound,
      'species' | 'rule' | 'healthBefore'
    >)
  | { readonly type: 'blow'; readonly wound: number; readonly blow: Blow }
  | ({ readonly type: 'look'; readonly wound: number } & Pick<Wound, 'healthLeast' | 'healthAfter'>)
  | ({ readonly type: 'closed'; readonly wound: number } & Pick<
      Wound,
      'healthLeast' | 'healthAfter' | 'healedInSteps'
    >);

/** A body just before a stroke hits it. */
export interface StruckBody {
  readonly id: OrganismId;
  readonly species: string;
  /** The rule it lives by, for people: "pikachu v4". */
  readonly label: string;
  /** 0..1 */
  readonly health: number;
}

interface Open {
  readonly wound: number;
  readonly firstStep: number;
  readonly healthBefore: number;
  lastStep: number;
  blows: number;
  least: number;
  now: number;
  /** When it was first seen whole since the last blow; null: it is not whole. */
  wholeStep: number | null;
  /** The health that was last reported, and when. */
  toldHealth: number;
  toldStep: number;
  /** The health that it has kept since a step, and whether for long; NaN: it was not measured since the last blow. */
  keptHealth: number;
  keptStep: number;
  isSettled: boolean;
}

export class WoundWatch {
  readonly #open = new Map<OrganismId, Open>();
  #events: WoundEvent[] = [];
  #wounds = 0;

  isOpen(id: OrganismId): boolean {
    return this.#open.has(id);
  }

  /**
   * Between two steps, before the next measurement.
   *
   * @param blows - 1 to `MAX_BLOWS`, from `blowsOf`
   * @param step - uint32
   */
  strike(body: StruckBody, blows: readonly BlowShape[], step: number): void {
    let open = this.#open.get(body.id);
    if (open !== undefined && open.blows + blows.length > MAX_BLOWS) {
      this.#close(body.id, open);
      open = undefined;
    }
    open ??= this.#begin(body, step);
    const afterSteps = stepsBetween(open.firstStep, step);
    for (const blow of blows)
      this.#events.push({ type: 'blow', wound: open.wound, blow: { afterSteps, ...blow } });
    open.blows += blows.length;
    open.lastStep = step;
    open.wholeStep = null;
    open.toldHealth = Number.NaN;
    open.keptHealth = Number.NaN;
    open.isSettled = false;
  }

  #begin({ id, species, label, health }: StruckBody, step: number): Open {
    const healthBefore = toThousandths(health);
    const open: Open = {
      wound: ++this.#wounds,
      firstStep: step,
      healthBefore,
      lastStep: step,
      blows: 0,
      least: healthBefore,
      now: healthBefore,
      wholeStep: null,
      toldHealth: Number.NaN,
      toldStep: step,
      keptHealth: Number.NaN,
      keptStep: step,
      isSettled: false,
    };
    this.#open.set(id, open);
    const rule = label.replace(/ v(\d+)$/, '@$1');
    this.#events.push({ type: 'open', wound: open.wound, organism: id, species, rule, healthBefore });
    return open;
  }

  /** @param health - 0..1, at this step */
  measured(id: OrganismId, health: number, step: number): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    open.now = toThousandths(health);
    open.least = Math.min(open.least, open.now);
    if (open.now < HEALED_SHARE * open.healthBefore) open.wholeStep = null;
    else open.wholeStep ??= step;
    if (!(Math.abs(open.now - open.keptHealth) <= SAME)) {
      open.keptHealth = open.now;
      open.keptStep = step;
    }
    open.isSettled = stepsBetween(open.keptStep, step) >= SETTLED_STEPS;
    const isFresh = Number.isNaN(open.toldHealth);
    if (open.now === open.toldHealth || (!isFresh && stepsBetween(open.toldStep, step) < LOOK_STEPS)) return;
    open.toldHealth = open.now;
    open.toldStep = step;
    const { wound, least: healthLeast, now: healthAfter } = open;
    this.#events.push({ type: 'look', wound, healthLeast, healthAfter });
  }

  died(id: OrganismId): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    open.least = open.now = 0;
    open.wholeStep = null;
    this.#close(id, open);
  }

  /** Closes the wound: what happens to the body from now on (another rule, an admin, a rollback) is not healing. */
  leave(id: OrganismId): void {
    const open = this.#open.get(id);
    if (open !== undefined) this.#close(id, open);
  }

  endAll(): void {
    for (const [id, open] of this.#open) this.#close(id, open);
  }

  /** Once per frame. @param step - uint32 */
  tick(step: number): void {
    if (this.#open.size === 0) return;
    for (const [id, open] of this.#open) {
      const quiet = stepsBetween(open.lastStep, step);
      const isOver =
        open.wholeStep === null ? open.isSettled || quiet >= GIVE_UP_STEPS : quiet >= QUIET_STEPS;
      if (isOver) this.#close(id, open);
    }
  }

  /** Events since the last call, in order; null: none. */
  take(): WoundEvent[] | null {
    if (this.#events.length === 0) return null;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #close(id: OrganismId, open: Open): void {
    this.#open.delete(id);
    const { wound, least: healthLeast, now: healthAfter, wholeStep, lastStep } = open;
    const healedInSteps = wholeStep === null ? null : stepsBetween(lastStep, wholeStep);
    this.#events.push({ type: 'closed', wound, healthLeast, healthAfter, healedInSteps });
  }
}

/**
 * The parts of a stroke that touched one body, in the body's own coordinates. Circles erased one after another are one
 * blow; an erasing stroke that leaves the body and comes back is several. A stroke of noise is one dose, so it is one
 * blow, whole.
 *
 * @param perturbations - one stroke's, as the world applied them
 * @param touching - indices of those that touched the body, ascending
 */
export function blowsOf(
  perturbations: readonly Perturbation[],
  touching: readonly number[],
  seed: { readonly x: number; readonly y: number },
): BlowShape[] {
  const blows: BlowShape[] = [];
  /** Consecutive capsules that do not form a blow yet. */
  let erased: Capsule[] = [];
  for (const [n, i] of touching.entries()) {
    const one = perturbations[i];
    switch (one.kind) {
      case 'truncate':
        blows.push({ tool: one.kind, radius: one.radius, points: [0, 0] });
        break;
      case 'noise':
        blows.push({ tool: one.kind, radius: one.capsules[0].radius, points: polyline(one.capsules, seed) });
        break;
      case 'ablate': {
        erased.push(one);
        if (touching[n + 1] === i + 1 && perturbations[i + 1].kind === 'ablate') break;
        blows.push({ tool: one.kind, radius: erased[0].radius, points: polyline(erased, seed) });
        erased = [];
        break;
      }
      default:
        one satisfies never;
    }
  }
  return blows;
}

/** The line along consecutive capsules, relative to the seed. A capsule without length adds no point of its own. */
function polyline(capsules: readonly Capsule[], seed: { readonly x: number; readonly y: number }): number[] {
  const [{ x0, y0 }] = capsules;
  const points = [x0 - seed.x, y0 - seed.y];
  for (const { x0, y0, x1, y1 } of capsules) {
    if (x1 !== x0 || y1 !== y0) points.push(x1 - seed.x, y1 - seed.y);
  }
  return points;
}

const toThousandths = (value: number): number => Math.round(value * 1_000) / 1_000;
