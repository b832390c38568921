/**
 * Takes drawings from guests. What is refused is refused with words for the guest, before anything is kept, and what an
 * address may try is bounded.
 */
import { DrawingError } from '../../../shared/drawing/drawing.ts';
import { packDrawing } from '../../../shared/drawing/packed.ts';
import { type NurseryMode, readSubmission, type Submission } from '../../../shared/drawing/submission.ts';
import { partyOf } from '../../address.ts';
import { Allowances } from '../../allowances.ts';
import { durationOf } from '../../guests/words.ts';
import { RegistryError } from '../../rules/registryFile.ts';
import { Turns } from '../../turns.ts';
import type { Drawings } from './drawings.ts';
import { type DrawingRow, UNGROWN } from './drawingTable.ts';

/** Drawings of one guest that wait for a word or their turn. */
export const MAX_PER_GUEST = 2;
/** From one address or network. */
export const MAX_PER_ADDRESS = 6;
/** From all together. At two minutes each, the last of them waits for two hours. */
export const MAX_WAITING = 60;
/** Submissions of an address that are looked at: so many at once, and one more every 15 s. */
const TRIES = 20;
const TRIES_PER_SECOND = 1 / 15;
/** Submissions of an address that are taken: so many at once, and one more every 20 min. */
const TAKEN = 6;
const TAKEN_PER_SECOND = 1 / 1_200;

/** Who submits. */
export interface Maker {
  /** Id of the guest. */
  readonly guest: string;
  readonly name: string;
  readonly address: string;
}

export type Taken =
  | { readonly ok: true; readonly row: DrawingRow }
  | { readonly ok: false; readonly reason: string };

export interface IntakeOptions {
  readonly drawings: Drawings;
  readonly mode: () => NurseryMode;
  /** Why no species can be added, for the guest; null: one can. */
  readonly noRoom: () => string | null;
  /** Names that a species must not have, besides those in the registry. */
  readonly taken: () => ReadonlySet<string>;
  /** A monotonic clock, ms. */
  readonly now: () => number;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #tries: Allowances;
  readonly #taken: Allowances;
  /** Submissions are judged one after another, by what those before them have left. */
  readonly #turns = new Turns();

  constructor(options: IntakeOptions) {
    this.#options = options;
    const { now } = options;
    this.#tries = new Allowances({ most: TRIES, perSecond: TRIES_PER_SECOND, now });
    this.#taken = new Allowances({ most: TAKEN, perSecond: TAKEN_PER_SECOND, now });
  }

  /** @param message - of any type: it comes from a stranger */
  async take(message: unknown, maker: Maker): Promise<Taken> {
    const { mode, drawings } = this.#options;
    if (mode() === 'off') return refused('This world grows no drawings.');
    if (!drawings.isLoaded) return refused('The nursery is not open yet: try again in a minute.');
    const waitMs = this.#tries.take(maker.address, 1);
    if (waitMs > 0) return refused(`That were many drawings. Try again in ${durationOf(waitMs / 1_000)}.`);
    let submission: Submission;
    try {
      submission = readSubmission(message);
    } catch (error) {
      if (!(error instanceof DrawingError)) throw error;
      return refused(error.message);
    }
    return this.#turns.take(() => this.#enter(submission, maker));
  }

  async #enter({ name, drawing }: Submission, maker: Maker): Promise<Taken> {
    const { drawings, mode, taken, noRoom } = this.#options;
    // As this program packs it: two texts of one drawing are one drawing.
    const packed = packDrawing(drawing);
    const fault = this.#fault(packed, maker) ?? noRoom();
    if (fault !== null) return refused(fault);
    const waitMs = this.#taken.take(maker.address, 1);
    if (waitMs > 0)
      return refused(
        `Your address has sent its share of drawings. The next is taken in ${durationOf(waitMs / 1_000)}.`,
      );
    try {
      const row = await drawings.add(
        {
          name,
          drawing: packed,
          guest: maker.guest,
          maker: maker.name,
          address: maker.address,
          state: mode() === 'open' ? 'queued' : 'waiting',
          created: new Date().toISOString(),
        },
        taken(),
      );
      return { ok: true, row };
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      this.#taken.giveBack(maker.address, 1);
      return refused('The drawing cannot be kept at the moment: try again in a minute.');
    }
  }

  #fault(packed: string, { guest, address }: Maker): string | null {
    const { drawings } = this.#options;
    const open = drawings.in(...UNGROWN);
    const twin = [...open, ...drawings.in('ready')].find(({ drawing }) => drawing === packed);
    if (twin !== undefined)
      return twin.state === 'ready'
        ? `The world has this drawing already: it is called ${twin.name}.`
        : 'This drawing waits already.';
    if (open.filter((row) => row.guest === guest).length >= MAX_PER_GUEST)
      return `${MAX_PER_GUEST} of your drawings wait already.`;
    const party = partyOf(address);
    if (open.filter((row) => partyOf(row.address) === party).length >= MAX_PER_ADDRESS)
      return `${MAX_PER_ADDRESS} drawings from your address wait already.`;
    if (open.length >= MAX_WAITING) return `${MAX_WAITING} drawings wait already: try again later.`;
    return null;
  }
}

const refused = (reason: string): Taken => ({ ok: false, reason });
