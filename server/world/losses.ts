/**
 * What could be brought back: organisms that are gone for good, with their places and who did away with them, and who
 * killed those whose seeds wait. Bounded, and kept in saves and in the journal.
 */
import type { OrganismId } from '../engines/engine.ts';
import type { Organism } from './organism.ts';

/** Losses that are remembered. Of more, the oldest of whoever did away with most is forgotten. */
export const MAX_LOSSES = 512;
/** Seconds of world time for which a loss is remembered: two days. */
export const LOSS_SECONDS = 172_800;
/** A body that dies later than this after a stroke has not died of it; seconds of world time. */
const KILLED_SECONDS = 60;

/** Who did away with an organism. */
export interface Culprit {
  /** Id of the guest; empty: an admin, or nobody. */
  readonly guest: string;
  /** What the guest or the admin is called; empty: nobody did. */
  readonly name: string;
}

export const NOBODY: Culprit = { guest: '', name: '' };

/** An organism that is gone for good. */
export interface Loss {
  /** 1, 2, 3 …: ids of organisms are used again. */
  readonly id: number;
  readonly species: string;
  /** Where its seed was. */
  readonly x: number;
  readonly y: number;
  /** The planter's name when it was planted; empty: the garden's. */
  readonly planter: string;
  /** Id of the guest who planted it; empty: the garden. */
  readonly guest: string;
  /** World time. */
  readonly bornSeconds: number;
  readonly atSeconds: number;
  /** `cleared`: it died after an admin had cleared its place. */
  readonly cause: 'removed' | 'withered' | 'cleared';
  readonly by: Culprit;
}

interface Blamed extends Culprit {
  readonly atSeconds: number;
}

export interface LossesWorld {
  /** World time, seconds. */
  readonly runSeconds: () => number;
  /** Called with what is new, for the journal. */
  readonly lost: (loss: Loss) => void;
  readonly found: (id: number) => void;
}

export class Losses {
  readonly #world: LossesWorld;
  /** By id; the oldest first. */
  readonly #losses = new Map<number, Loss>();
  /** Who removed those that dissolve, or cleared their places. */
  readonly #removers = new Map<OrganismId, Culprit>();
  /** Who struck last. */
  readonly #strikers = new Map<OrganismId, Blamed>();
  /** Who killed the organisms whose seeds wait for that reason. */
  readonly #killers = new Map<OrganismId, Culprit>();
  #nextId = 1;

  constructor(world: LossesWorld) {
    this.#world = world;
  }

  /** Newest first. */
  get all(): readonly Loss[] {
    const since = this.#world.runSeconds() - LOSS_SECONDS;
    return [...this.#losses.values()].filter(({ atSeconds }) => atSeconds >= since).reverse();
  }

  get(id: number): Loss | undefined {
    return this.#losses.get(id);
  }

  /** Who killed an organism whose seed waits; undefined: nobody did, or it is not known. */
  killerOf(id: OrganismId): Culprit | undefined {
    return this.#killers.get(id);
  }

  /** Somebody has touched these bodies. */
  struck(ids: Iterable<OrganismId>, { guest, name }: Culprit): void {
    const blamed = { guest, name, atSeconds: this.#world.runSeconds() };
    for (const id of ids) this.#strikers.set(id, blamed);
  }

  /** Somebody removes it, or has cleared its place. */
  blame(id: OrganismId, by: Culprit): void {
    this.#removers.set(id, by);
  }

  /** Its seed waits, because its body died. */
  died(id: OrganismId): void {
    const striker = this.#strikers.get(id);
    if (striker === undefined || this.#world.runSeconds() - striker.atSeconds > KILLED_SECONDS) return;
    this.#killers.set(id, { guest: striker.guest, name: striker.name });
  }

  /** It has a body again, or will have one. */
  isBack(id: OrganismId): void {
    for (const map of [this.#removers, this.#killers, this.#strikers]) map.delete(id);
  }

  /** It is about to be gone for good. */
  gone({ id, species, x, y, planter, guest, bornSeconds, absence }: Organism): void {
    const by = (absence !== 'withering' && this.#removers.get(id)) || NOBODY;
    this.isBack(id);
    const cause = absence === 'withering' ? 'withered' : absence === 'removed' ? 'removed' : 'cleared';
    const atSeconds = this.#world.runSeconds();
    const loss = {
      id: this.#nextId,
      species,
      x,
      y,
      planter,
      guest,
      bornSeconds,
      atSeconds,
      cause,
      by,
    } as const;
    this.put(loss);
    this.#world.lost(loss);
  }

  /** It has been brought back. */
  found(id: number): void {
    if (this.#losses.delete(id)) this.#world.found(id);
  }

  /** Enters one as the journal has it. */
  put(loss: Loss): void {
    this.#losses.set(loss.id, loss);
    this.#nextId = Math.max(this.#nextId, loss.id + 1);
    if (this.#losses.size > MAX_LOSSES) this.#losses.delete(this.#leastMissed());
  }

  /** Removes one as the journal has it. */
  drop(id: number): void {
    this.#losses.delete(id);
  }

  restore(losses: readonly Loss[]): void {
    for (const map of [this.#losses, this.#removers, this.#strikers, this.#killers]) map.clear();
    this.#nextId = 1;
    for (const loss of losses) this.put(loss);
  }

  /** One guest who plants and removes for hours hides nobody else's. */
  #leastMissed(): number {
    const counts = new Map<string, number>();
    const keyOf = ({ by }: Loss): string => `${by.guest} ${by.name}`;
    for (const loss of this.#losses.values()) counts.set(keyOf(loss), (counts.get(keyOf(loss)) ?? 0) + 1);
    const [most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
    for (const loss of this.#losses.values()) if (keyOf(loss) === most) return loss.id;
    return this.#losses.keys().next().value!;
  }
}
