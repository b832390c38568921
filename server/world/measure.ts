/** Reads a body's cells and measures its health, with as few reads as possible. */
import { CHANNEL_LIMIT, type Engine, type OrganismId } from '../engines/engine.ts';
import {
  HEALTH_MARGIN,
  healthOf,
  healthRect,
  likestPlace,
  possibleShare,
  type Surroundings,
} from './likeness.ts';
import type { MatureForm } from './mature.ts';

/** A body with this health against its whole form is whole, whatever can exist: owners are not read. */
const SURELY_WHOLE = 0.99;

export interface PlacedBody {
  readonly id: OrganismId;
  /** Seed position, cells. */
  readonly x: number;
  readonly y: number;
}

export class Measure {
  readonly #engine: Engine;
  /** Scratch buffers, as long as the largest body measured so far. */
  #own = new Float32Array(0);
  #owners = new Uint16Array(0);

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * @param into - [height + 8, width + 8, 4], gets the organism's cells in `healthRect`; default: a buffer that the
   *   next call overwrites
   * @returns `health`: 0..1; `isOutOfRange`: a colour is at the engine's limit, or NaN
   */
  async health(
    body: PlacedBody,
    form: MatureForm,
    into?: Float32Array,
  ): Promise<{ readonly health: number; readonly isOutOfRange: boolean }> {
    const own = await this.#read(body, form, HEALTH_MARGIN, into);
    const health = healthOf(own, form);
    // Health against what can exist is never lower than health against the whole form.
    if (health >= SURELY_WHOLE) return { health, isOutOfRange: false };
    const share = possibleShare(form, await this.#around(body, form, HEALTH_MARGIN));
    return { health: Math.min(1, health / share), isOutOfRange: isOutOfRange(own) };
  }

  /** @see likestPlace */
  async likestPlace(
    body: PlacedBody,
    form: MatureForm,
    margin = HEALTH_MARGIN,
  ): Promise<ReturnType<typeof likestPlace>> {
    const own = await this.#read(body, form, margin);
    return likestPlace(own, form, await this.#around(body, form, margin), margin);
  }

  async #read(
    { id, x, y }: PlacedBody,
    form: MatureForm,
    margin: number,
    into?: Float32Array,
  ): Promise<Float32Array> {
    const rect = healthRect(form, x, y, margin);
    const length = rect.width * rect.height * 4;
    if (into === undefined && this.#own.length < length) this.#own = new Float32Array(length);
    const own = into ?? this.#own.subarray(0, length);
    await this.#engine.readOrganism(id, rect, own);
    return own;
  }

  async #around({ id, x, y }: PlacedBody, form: MatureForm, margin: number): Promise<Surroundings> {
    const rect = healthRect(form, x, y, margin);
    const length = rect.width * rect.height;
    if (this.#owners.length < length) this.#owners = new Uint16Array(length);
    const owners = this.#owners.subarray(0, length);
    await this.#engine.readOwners(rect, owners);
    return { organism: id, rect, owners, world: this.#engine };
  }
}

function isOutOfRange(rgba: Float32Array): boolean {
  for (const value of rgba) if (!(Math.abs(value) < CHANNEL_LIMIT)) return true;
  return false;
}
