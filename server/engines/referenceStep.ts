/**
 * The definition of a step: slow, dense, obvious. All arithmetic is float32 in the order of the kernels (bias first, then
 * inputs in order, no FMA), so that an engine without FMA agrees to the bit. `updateRule.ts` writes out one cell's update.
 */
import type { Size } from '../../shared/geometry.ts';
import { CHANNELS, type Rule } from '../rules/rule.ts';
import { boundCell } from './bounds.ts';
import { ALPHA, type DenseCells } from './denseCells.ts';
import { OPAQUE_ABOVE, type OrganismId, REACH } from './engine.ts';
import { cellHash, fires, fireThreshold } from './fire.ts';
import { updateCell } from './updateRule.ts';

/** A world as a step needs it. */
export interface SteppedWorld extends Size {
  /** Changed by a step. */
  readonly cells: DenseCells;
  /** float32 */
  readonly rest: number;
  readonly bounds: boolean;
  readonly asleep: ReadonlySet<OrganismId>;
  ruleOf(organism: OrganismId): Rule;
  /** Whether the cell lies in the organism's territory; with bounds off, always. */
  mayLive(organism: OrganismId, x: number, y: number): boolean;
  /** Takes an organism out of `asleep`. */
  wake(organism: OrganismId): void;
}

/** Takes one step. @param step - uint32: its number, part of the firing hash */
export function stepOnce(world: SteppedWorld, randomSeed: number, step: number): void {
  wakeReached(world);
  const { width, height, cells, asleep } = world;
  const { left, right, top, bottom } = cells.reachOfLife();
  const tentative = new Uint16Array(width * height);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) tentative[y * width + x] = tentativeOwner(world, x, y);
  }
  const next = cells.state.slice();
  const exploded = new Uint8Array(width * height);
  const preAlive = new Uint8Array(width * height);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const cell = y * width + x;
      const organism = tentative[cell];
      if (organism === 0 || asleep.has(organism)) continue;
      if (!isBesideOpaque(world, x, y, organism, cells.owners, cells.state)) continue;
      preAlive[cell] = 1;
      const rule = world.ruleOf(organism);
      if (!fires(cellHash(randomSeed, step, x, y), fireThreshold(rule.fireRate))) continue;
      const channels = next.subarray(cell * CHANNELS, (cell + 1) * CHANNELS);
      const near = cells.neighbourhood(x, y, organism);
      if (!updateCell(rule, near, world.rest, channels) || !world.bounds || boundCell(channels, 0)) continue;
      exploded[cell] = 1;
      channels.fill(0); // so that it is not opaque in the alive mask after the update
    }
  }
  const owners = new Uint16Array(width * height);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const cell = y * width + x;
      const organism = tentative[cell];
      if (asleep.has(cells.owners[cell])) owners[cell] = organism;
      if (!preAlive[cell] || exploded[cell]) continue;
      if (isBesideOpaque(world, x, y, organism, tentative, next)) owners[cell] = organism;
    }
  }
  // Both masks are finished before any cell is cleared: one death must not spread within a step.
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const cell = y * width + x;
      if (owners[cell] === 0) next.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
    }
  }
  cells.state = next;
  cells.owners = owners;
}

/** Wakes the sleepers that somebody awake could meet in this step, then those that these could meet, and so on. */
function wakeReached(world: SteppedWorld): void {
  const { cells, asleep } = world;
  for (let before = -1; asleep.size !== before; ) {
    before = asleep.size;
    for (let cell = 0; cell < cells.owners.length && asleep.size > 0; cell++)
      if (asleep.has(cells.owners[cell]) && isReached(world, cell)) world.wake(cells.owners[cell]);
  }
}

/** Whether a cell of an organism that is awake lies within reach of a cell. */
function isReached({ width, cells, asleep }: SteppedWorld, cell: number): boolean {
  const x = cell % width;
  const y = Math.floor(cell / width);
  for (let dy = -REACH; dy <= REACH; dy++) {
    for (let dx = -REACH; dx <= REACH; dx++) {
      const owner = cells.ownerAt(x + dx, y + dy);
      if (owner !== 0 && !asleep.has(owner)) return true;
    }
  }
  return false;
}

/** A cell's owner in the next step: its own, else the owner of its most opaque neighbour that may live there; 0: nobody. */
export function tentativeOwner(world: SteppedWorld, x: number, y: number): OrganismId {
  const { width, cells } = world;
  const own = cells.ownerAt(x, y);
  if (own !== 0) return own;
  let organism = 0;
  let best = OPAQUE_ABOVE;
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      const owner = cells.ownerAt(x + dx, y + dy);
      if (owner === 0) continue;
      const alpha = cells.state[((y + dy) * width + x + dx) * CHANNELS + ALPHA];
      if (alpha > best && world.mayLive(owner, x, y)) {
        best = alpha;
        organism = owner;
      }
    }
  }
  return organism;
}

/** The alive mask: whether the 3x3 around a cell holds an opaque cell of the organism. */
function isBesideOpaque(
  { width, height }: Size,
  x: number,
  y: number,
  organism: OrganismId,
  owners: Uint16Array,
  state: Float32Array,
): boolean {
  for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
    for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
      const cell = ny * width + nx;
      if (owners[cell] === organism && state[cell * CHANNELS + ALPHA] > OPAQUE_ABOVE) return true;
    }
  }
  return false;
}
