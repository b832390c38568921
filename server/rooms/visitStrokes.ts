/** The strokes and the budget of one visit: what may be asked of the world, what it costs, and what was told of it. */
import { Allowance } from '../../shared/allowance.ts';
import { MAX_STROKES_PER_SECOND } from '../../shared/limits.ts';
import {
  type Budget,
  ServerMessageType,
  type StrokeMessage,
  type StrokeResultMessage,
} from '../../shared/protocol.ts';
import { strokeCost, strokeFault } from '../../shared/stroke.ts';
import type { Guest } from '../guests/guest.ts';
import { NoAnswerError, type StrokeOutcome } from '../world/messages.ts';
import type { ServerMessageNumber } from './connection.ts';
import type { Surroundings, Visitor } from './surroundings.ts';

/** Told to who waits for the world in vain. */
export const NO_ANSWER = 'The world did not answer.';
/** Organisms that are remembered of a deed. */
const MAX_TOLD_ORGANISMS = 8;
/** Share of the budget by which a client's own reckoning may be off before it is told. */
const BUDGET_SLACK = 0.03;
/** A client of ours sends at most 10 strokes per second. */
const REFUSALS_PER_SECOND = 10;
const MAX_REFUSALS_AT_ONCE = 160;

/** The part of a visit that its strokes use. */
export interface StrokeOutlet {
  /** Id of the visit. */
  readonly visit: string;
  post(type: ServerMessageNumber, message: object): boolean;
  /** Closes the client for sending too much. */
  expel(reason: string): void;
}

export class VisitStrokes {
  readonly #visitor: Visitor;
  readonly #around: Surroundings;
  readonly #outlet: StrokeOutlet;
  /** Refusing a stroke costs as much as sending a message. */
  readonly #allowed: Allowance;
  /** Our client knows its energy, and is seldom refused. */
  readonly #refusals: Allowance;
  /** What the client was told last of its budget, and when. */
  #toldBudget: { readonly budget: Budget; readonly atMs: number } | null = null;
  #applied = 0;

  constructor(visitor: Visitor, around: Surroundings, outlet: StrokeOutlet) {
    const now = around.now();
    this.#visitor = visitor;
    this.#around = around;
    this.#outlet = outlet;
    this.#allowed = new Allowance(2 * MAX_STROKES_PER_SECOND, MAX_STROKES_PER_SECOND, now);
    this.#refusals = new Allowance(MAX_REFUSALS_AT_ONCE, REFUSALS_PER_SECOND, now);
  }

  /** How many the world has applied. */
  get applied(): number {
    return this.#applied;
  }

  /** Asks the world for a stroke, and tells the client what became of it. */
  take(guest: Guest, stroke: StrokeMessage): void {
    if (this.#allowed.take(1, this.#around.now())) void this.#stroke(guest, stroke);
    else this.#outlet.expel(`more than ${MAX_STROKES_PER_SECOND} strokes per second`);
  }

  /** Tells the budget if the client cannot know it: energy was spent in another tab, or refills at another pace. */
  tellBudget(guest: Guest): void {
    if (this.#toldBudget === null) return;
    const { budget: told, atMs } = this.#toldBudget;
    const budget = this.#around.guests.budgetOf(guest, this.#visitor.address);
    const seconds = (this.#around.now() - atMs) / 1_000;
    const reckoned = Math.min(told.capacity, told.cells + seconds * told.perSecond);
    const isOff = Math.abs(reckoned - budget.cells) > BUDGET_SLACK * budget.capacity;
    if (!isOff && told.perSecond === budget.perSecond) return;
    // What is on its way was spent in the client's reckoning, and not in this one's.
    if (this.#around.strokesPending.of(this.#outlet.visit) > 0) return;
    this.#outlet.post(ServerMessageType.budget, { budget: this.budget(guest) });
  }

  /** For a message to the client. */
  budget(guest: Guest): Budget {
    const budget = this.#around.guests.budgetOf(guest, this.#visitor.address);
    this.#toldBudget = { budget, atMs: this.#around.now() };
    return budget;
  }

  async #stroke(guest: Guest, stroke: StrokeMessage): Promise<void> {
    const { guests, world, players, strokesPending, tally, log } = this.#around;
    const { address } = this.#visitor;
    /** @param why - for the tally */
    const refuse = (why: string, reason: string): void => {
      tally.refuse('stroke', why);
      this.#answer(guest, stroke.id, { ok: false, reason });
    };
    const fault = strokeFault(stroke, world.ready, world.ready.species);
    if (fault !== null) return refuse('fault', fault);
    const mute = guests.muteOf(guest, address);
    if (mute !== null) return refuse('mute', mute);
    const by = { guest: this.#visitor.id, address, name: guest.name };
    if (!strokesPending.begin(this.#outlet.visit, by)) return refuse('pending', 'Too many strokes at once.');
    const cost = strokeCost(stroke);
    const tired = guests.spend(guest, address, cost);
    if (tired !== null) {
      strokesPending.end(this.#outlet.visit, by);
      return refuse('energy', tired);
    }
    let outcome: StrokeOutcome;
    let isAnswered = true;
    try {
      outcome = await world.ask({ kind: 'stroke', by, stroke });
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      outcome = { ok: false, reason: NO_ANSWER };
      isAnswered = false;
    } finally {
      strokesPending.end(this.#outlet.visit, by);
    }
    if (!outcome.ok) {
      guests.giveBack(guest, address, cost);
      const why = world.trouble === null ? 'world' : 'disk';
      return refuse(isAnswered ? why : 'no_answer', outcome.reason);
    }
    const { step, organisms } = outcome;
    this.#applied++;
    log.debug('stroke', {
      guest: by.guest,
      name: by.name,
      address,
      tool: stroke.tool,
      x: stroke.points[0],
      y: stroke.points[1],
    });
    tally.strokesApplied++;
    const { tool, radius, points, species } = stroke;
    players.stroke({ player: this.#outlet.visit, tool, radius, points });
    guests.did(guest, {
      at: Date.now(),
      step,
      ...by,
      tool,
      ...{ x: points[0], y: points[1], radius },
      ...(tool === 'plant' && { species }),
      organisms: organisms.slice(0, MAX_TOLD_ORGANISMS),
    });
    this.#answer(guest, stroke.id, { ok: true, step });
  }

  #answer(guest: Guest, id: number, outcome: Pick<StrokeResultMessage, 'ok' | 'reason' | 'step'>): void {
    this.#around.attendance.stroke(outcome.ok);
    const result: StrokeResultMessage = { id, ...outcome, budget: this.budget(guest) };
    this.#outlet.post(ServerMessageType.strokeResult, result);
    if (!outcome.ok && !this.#refusals.take(1, this.#around.now()))
      this.#outlet.expel(`more than ${REFUSALS_PER_SECOND} strokes per second that were refused`);
  }
}
