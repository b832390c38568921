/** Who is planted, and where: the garden, and players' seeds. */
import { stepsBetween } from '../../shared/numbers.ts';
import { networkOf } from '../address.ts';
import { type Engine, EngineError, type OrganismId, type RuleSlot } from '../engines/engine.ts';
import { type GardenSpecies, layOutGarden, type Seedling } from './garden.ts';
import type { Loss } from './losses.ts';
import { MATURE_STEPS, reachOf, territoryOf } from './mature.ts';
import type { Doer } from './messages.ts';
import { isEnding, isPlayers, type Organism } from './organism.ts';
import type { OrganismRecord } from './organismRecord.ts';
import type { Organisms } from './organisms.ts';
import { planSeed, planStroke, type StrokeWorld } from './perturb.ts';
import { PlantLimits, type PlantLimitsOptions } from './plantLimits.ts';
import { type GrownBody, isAstray, mayMoveTo, roomFault } from './room.ts';
import type { RuleSlots } from './ruleSlots.ts';

/** Plants the garden. */
export const GARDENER: Doer = { guest: '', address: '', name: '' };

/**
 * Players' bodies that may be young, which is not grown yet, at the same time: what grows costs steps, what is grown
 * sleeps. Many guests at many addresses fill the world no faster.
 */
export const MAX_YOUNG = 48;
/** Time between two counts of the cells that players' bodies have. */
const SHARE_SECONDS = 1;

export interface PlantedWorld extends PlantLimitsOptions {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly slots: RuleSlots;
  /** World time, seconds. */
  readonly runSeconds: () => number;
}

export class Planting {
  /** What strokes are planned on. */
  readonly strokeWorld: StrokeWorld;
  readonly #world: PlantedWorld;

  readonly #limits: PlantLimits;
  /** Players' bodies that had never been grown when they were looked at last. */
  readonly #seedlings = new Set<OrganismId>();
  /** @see #playersShare */
  #share = { value: 0, atSeconds: Number.POSITIVE_INFINITY };
  /** Why nobody may plant at the moment, for players to read; null: all may. */
  refusal: string | null = null;

  constructor(world: PlantedWorld) {
    this.#limits = new PlantLimits(world);
    const { engine, organisms, slots } = world;
    this.#world = world;
    this.strokeWorld = {
      engine,
      organisms,
      get species() {
        return slots.cards;
      },
      roomFault: (species, x, y) => this.#bodyFault(species, x, y),
    };
  }

  /** All organisms were replaced. */
  restore(): void {
    this.#seedlings.clear();
    for (const one of this.#world.organisms) if (isPlayers(one)) this.#seedlings.add(one.id);
  }

  /** @returns how many found room */
  plantGarden(count: number, randomSeed: number): number {
    const seedlings = layOutGarden(this.#world.engine, this.#species, count, randomSeed);
    for (const seedling of seedlings) this.plant(seedling, GARDENER);
    return seedlings.length;
  }

  /** Like `plantGarden`, in a world with organisms. @returns how many found room */
  async plantMore(count: number, randomSeed: number): Promise<number> {
    let planted = 0;
    // Those whose seeds wait keep their room.
    const others = Array.from(this.#world.organisms, this.#grown);
    for (const seedling of layOutGarden(this.#world.engine, this.#species, count, randomSeed, others)) {
      if (!(await planSeed(seedling.species, seedling.x, seedling.y, this.strokeWorld)).ok) continue;
      try {
        this.plant(seedling, GARDENER);
        planted++;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        break;
      }
    }
    return planted;
  }

  /**
   * @throws EngineError without room for one more, or without such a species; the world is then unchanged
   */
  plant(seedling: Seedling, planter: Doer): Organism {
    const { name, guest, address } = planter;
    const organism = this.#plant(seedling, { planter: name, guest, address });
    if (isPlayers(organism)) this.#limits.planted(planter, organism.plantedSeconds);
    return organism;
  }

  /**
   * Plants what was lost, as its planter's and with its age. Nobody's limits count.
   *
   * @throws EngineError as `plant` does
   */
  plantAgain(loss: Loss): Organism {
    const { planter, guest, bornSeconds } = loss;
    return this.#plant(loss, { planter, guest, bornSeconds });
  }

  #plant(
    { species, x, y }: Seedling,
    whose: Pick<OrganismRecord, 'planter' | 'guest' | 'address' | 'bornSeconds'>,
  ): Organism {
    const { engine, organisms, slots, runSeconds } = this.#world;
    const plantedSeconds = runSeconds();
    const id = organisms.freeId(plantedSeconds);
    if (id === null) throw new EngineError('no id is free: 65,535 organisms live, or died a moment ago');
    const plantedStep = engine.stepNumber;
    const slot = slots.inForce(species);
    if (slot === undefined) throw new EngineError(`there is no species ${species}`);
    const territory = territoryOf([slots.at(slot).mature], x, y);
    engine.plant(id, slot, x, y, territory);
    const organism = organisms.add({
      ...{ id, species, slot, x, y, plantedStep, plantedSeconds, health: 0 },
      ...whose,
    });
    organism.territory = territory;
    if (isPlayers(organism)) {
      // Not counted anew before a second of world time has passed, which never happens in a paused world.
      this.#share.value += this.#shareOf(slot);
      organism.visitedSeconds = plantedSeconds;
      this.#seedlings.add(id);
    }
    return organism;
  }

  /** Why a guest may not plant anywhere, for them to read; null: they may. */
  limitFault(by: Doer): string | null {
    if (this.refusal !== null) return this.refusal;
    if (this.#young >= MAX_YOUNG) return 'Many bodies are growing at the moment: wait until they are grown.';
    const { organisms, runSeconds } = this.#world;
    const growing = {
      ofGuest: countGrowing(organisms.of(by.guest)),
      ofAddress: countGrowing(organisms.from(by.address)),
      ofNetwork: countGrowing(organisms.from(networkOf(by.address))),
      share: this.#playersShare,
    };
    return this.#limits.fault(by, growing, runSeconds());
  }

  /**
   * Why no seed can be planted at a cell, for a player to read; null: one can.
   *
   * @param x - integer; the cell may lie outside the world
   * @param by - whose limits count; absent: nobody's
   */
  async faultAt(species: string, x: number, y: number, by?: Doer): Promise<string | null> {
    const limit = by === undefined ? null : this.limitFault(by);
    if (limit !== null) return limit;
    const stroke = { id: 0, tool: 'plant', radius: 1, points: [x, y], species } as const;
    const plan = await planStroke(stroke, this.strokeWorld, 0);
    return plan.ok ? null : plan.reason;
  }

  /**
   * Players' bodies that have never been grown. One that grows again after it was killed does not count: who kills many
   * would keep everybody from planting.
   */
  get #young(): number {
    const { engine, organisms } = this.#world;
    for (const id of this.#seedlings) {
      const one = organisms.get(id);
      const isYoung =
        one !== undefined &&
        one.plantedSeconds === one.bornSeconds &&
        stepsBetween(one.plantedStep, engine.stepNumber) < MATURE_STEPS;
      if (!isYoung) this.#seedlings.delete(id);
    }
    return this.#seedlings.size;
  }

  /** The share of the world's cells in the boxes of players' grown bodies. Counted anew at most once per second. */
  get #playersShare(): number {
    const { organisms, runSeconds } = this.#world;
    const now = runSeconds();
    if (now >= this.#share.atSeconds && now < this.#share.atSeconds + SHARE_SECONDS) return this.#share.value;
    let value = 0;
    for (const slot of organisms.slots) {
      const share = this.#shareOf(slot);
      for (const one of organisms.in(slot)) if (isPlayers(one)) value += share;
    }
    this.#share = { value, atSeconds: now };
    return value;
  }

  /** Share of the world's cells in the box of a grown body. */
  #shareOf(slot: RuleSlot): number {
    const { engine, slots } = this.#world;
    const { width, height } = slots.at(slot).mature;
    return (width * height) / (engine.width * engine.height);
  }

  get #species(): GardenSpecies[] {
    return Array.from(this.#world.slots, ({ card, mature }) => ({ name: card.name, form: mature }));
  }

  /** @see StrokeWorld.roomFault */
  #bodyFault(species: string, x: number, y: number): string | null {
    const { engine, organisms, slots } = this.#world;
    const slot = slots.inForce(species);
    if (slot === undefined) return `There is no species ${species}.`;
    const { mature: form } = slots.at(slot);
    // Bodies further away cannot share a cell with it.
    const near = organisms.near(x, y, reachOf(form) + slots.reach);
    return roomFault({ species, x, y, form }, engine, near.map(this.#grown));
  }

  /** Whether a body may be held to have moved by so many cells: it stays near its home, and there is room. */
  mayMove(one: Organism, dx: number, dy: number): boolean {
    const { engine, organisms, slots } = this.#world;
    const from = this.#grown(one);
    const to = { ...from, x: one.x + dx, y: one.y + dy };
    if (isAstray(one.home, to)) return false;
    const reach = reachOf(from.form) + slots.reach + Math.max(Math.abs(dx), Math.abs(dy));
    const others = organisms.near(one.x, one.y, reach).filter((other) => other !== one);
    return mayMoveTo(from, to, engine, others.map(this.#grown));
  }

  readonly #grown = ({ species, x, y, slot }: Organism): GrownBody => ({
    species,
    x,
    y,
    form: this.#world.slots.at(slot).mature,
  });

  /** Sows beds of an earlier version's save. One that a body has grown into is left out. */
  async sow(beds: readonly Seedling[]): Promise<void> {
    for (const bed of beds) {
      if (this.#world.slots.inForce(bed.species) === undefined) continue;
      if (!(await planSeed(bed.species, bed.x, bed.y, this.strokeWorld)).ok) continue;
      try {
        this.plant(bed, GARDENER);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        return;
      }
    }
  }
}

/** A body that is being removed has given up its place. */
function countGrowing(organisms: Iterable<Organism>): number {
  let growing = 0;
  for (const one of organisms) if (!isEnding(one)) growing++;
  return growing;
}
