/** Checks that every engine makes before it changes anything. */
import { MAX_WORLD_CELLS, PAGE_CELLS, pagesAcross, type Rect, type Size } from '../../shared/geometry.ts';
import { CHANNELS, MAX_HIDDEN, PERCEPTION, type Rule } from '../rules/rule.ts';
import { holds } from './bounds.ts';
import {
  EngineError,
  type EngineFacts,
  type EngineOptions,
  type EngineState,
  isSameBytes,
  MAX_ORGANISMS,
  MAX_RULES,
  type OrganismId,
  type PageState,
  type Perturbation,
} from './engine.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;

const isIndex = (value: number, limit: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < limit;

const isUint32 = (value: number): boolean => isIndex(value, 2 ** 32);

/** @throws EngineError naming the option that does not fit */
export function checkOptions({ width, height, randomSeed, maxPages = 1, rest = 0 }: EngineOptions): void {
  for (const [name, side] of Object.entries({ width, height })) {
    if (!isIndex(side - 1, MAX_WORLD_CELLS)) {
      throw new EngineError(`${name} ${side} is not a whole number in 1..${MAX_WORLD_CELLS}`);
    }
  }
  if (!isUint32(randomSeed)) throw new EngineError(`random seed ${randomSeed} is not a uint32`);
  if (!isIndex(maxPages - 1, 2 ** 20)) throw new EngineError(`maxPages ${maxPages} is not in 1..1048576`);
  if (!(rest >= 0 && rest <= 0.01)) throw new EngineError(`rest ${rest} is not in 0..0.01`);
}

/** @throws EngineError when the rule's arrays do not fit its `hidden`, or it cannot fire */
export function checkRule(slot: number, rule: Rule): void {
  if (!isIndex(slot, MAX_RULES)) throw new EngineError(`rule slot ${slot} is not in 0..${MAX_RULES - 1}`);
  const { hidden, fireRate } = rule;
  if (hidden % 4 !== 0 || !isIndex(hidden - 4, MAX_HIDDEN - 3)) {
    throw new EngineError(`rule ${rule.name}: hidden ${hidden} is not a multiple of 4 in 4..${MAX_HIDDEN}`);
  }
  const wanted = { w1: hidden * PERCEPTION, b1: hidden, w2: CHANNELS * hidden, b2: CHANNELS };
  for (const [name, length] of Object.entries(wanted)) {
    const got = rule[name as keyof typeof wanted].length;
    if (got !== length)
      throw new EngineError(`rule ${rule.name}: ${name} has ${got} values, expected ${length}`);
  }
  if (!(fireRate > 0 && fireRate <= 1)) {
    throw new EngineError(`rule ${rule.name}: fire rate ${fireRate} is not in (0, 1]`);
  }
}

/** @throws EngineError for an id outside 1..MAX_ORGANISMS */
export function checkOrganism(organism: number): void {
  if (!isIndex(organism - 1, MAX_ORGANISMS)) {
    throw new EngineError(`organism ${organism} is not in 1..${MAX_ORGANISMS}`);
  }
}

/** @throws EngineError for a cell outside the world */
function checkCell(x: number, y: number, { width, height }: Size): void {
  if (!isIndex(x, width) || !isIndex(y, height)) {
    throw new EngineError(`cell (${x}, ${y}) is not inside the ${width} x ${height} world`);
  }
}

/** @throws EngineError for a territory that is empty or not in whole cells */
export function checkTerritory(territory: Rect | undefined): void {
  if (territory === undefined) return;
  const { x, y, width, height } = territory;
  const what = `territory ${width} x ${height} at (${x}, ${y})`;
  if (![x, y, width, height].every(Number.isSafeInteger))
    throw new EngineError(`${what} is not in whole cells`);
  if (width < 1 || height < 1) throw new EngineError(`${what} is empty`);
}

/** @throws EngineError for a seed outside the world or the territory, or a wrong territory */
export function checkPlace(x: number, y: number, territory: Rect | undefined, world: Size): void {
  checkCell(x, y, world);
  checkTerritory(territory);
  if (territory === undefined || holds(territory, x, y)) return;
  const { width, height } = territory;
  throw new EngineError(
    `cell (${x}, ${y}) is not inside the territory ${width} x ${height} at (${territory.x}, ${territory.y})`,
  );
}

/** The ids in use. */
type Planted = Pick<ReadonlySet<OrganismId>, 'has'>;

/** @throws EngineError for an id that is not in use */
export function checkPlanted(organism: OrganismId, planted: Planted): void {
  if (!planted.has(organism)) throw new EngineError(`organism ${organism} is not planted`);
}

/** Checks a perturbation except its capsules, which `capsuleRows` checks. @throws EngineError */
export function checkPerturbation(perturbation: Perturbation, planted: Planted): void {
  switch (perturbation.kind) {
    case 'ablate':
      return;
    case 'noise': {
      const { amplitude, capsules } = perturbation;
      if (capsules.length === 0) throw new EngineError('noise without a capsule');
      if (!Number.isFinite(amplitude)) throw new EngineError(`amplitude ${amplitude} is not finite`);
      return;
    }
    case 'truncate': {
      const { organism, x, y, radius } = perturbation;
      checkPlanted(organism, planted);
      if (![x, y, radius].every(Number.isFinite) || radius < 0) {
        throw new EngineError(`truncate to ${radius} about (${x}, ${y}): not a circle`);
      }
      return;
    }
    default:
      perturbation satisfies never;
  }
}

/**
 * Checks a whole state before any of it is used.
 *
 * @param hasRule - whether a rule slot is filled
 * @throws EngineError naming the first thing that does not fit
 */
export function checkState(
  state: EngineState,
  world: Size,
  maxPages: number,
  hasRule: (slot: number) => boolean,
): void {
  const checkPage = pageCheck(state, world, maxPages, hasRule);
  if (state.pages.length > maxPages) {
    throw new EngineError(`${state.pages.length} pages, at most ${maxPages} fit`);
  }
  for (const page of state.pages) checkPage(page);
}

/**
 * Checks a state's facts, and then its pages, one after another.
 *
 * @param hasRule - whether a rule slot is filled
 * @returns checks the next page; throws EngineError when it does not fit
 * @throws EngineError naming the first fact that does not fit
 */
export function pageCheck(
  facts: EngineFacts,
  world: Size,
  maxPages: number,
  hasRule: (slot: number) => boolean,
): (page: PageState) => void {
  if (!isUint32(facts.stepNumber)) throw new EngineError(`step number ${facts.stepNumber} is not a uint32`);
  if (!isUint32(facts.randomSeed)) throw new EngineError(`random seed ${facts.randomSeed} is not a uint32`);
  const organisms = new Uint8Array(MAX_ORGANISMS + 1);
  for (const { id, rule, territory } of facts.organisms) {
    checkOrganism(id);
    checkTerritory(territory);
    if (organisms[id] !== 0) throw new EngineError(`organism ${id} appears twice`);
    if (!isIndex(rule, MAX_RULES) || !hasRule(rule))
      throw new EngineError(`organism ${id}: no rule in slot ${rule}`);
    organisms[id] = 1;
  }
  const seen = new Set<number>();
  return (page) => {
    if (!isIndex(page.page, pagesAcross(world.width) * pagesAcross(world.height))) {
      throw new EngineError(`page ${page.page} is outside the world`);
    }
    if (seen.has(page.page)) throw new EngineError(`page ${page.page} appears twice`);
    seen.add(page.page);
    if (seen.size > maxPages) throw new EngineError(`more than ${maxPages} pages do not fit`);
    checkPage(page, world, organisms);
  };
}

function checkPage({ page, cells, owners }: PageState, world: Size, organisms: Uint8Array): void {
  if (cells.length !== CELLS * CHANNELS || owners.length !== CELLS) {
    throw new EngineError(`page ${page} has ${cells.length} values and ${owners.length} owners`);
  }
  const across = pagesAcross(world.width);
  const columns = Math.min(PAGE_CELLS, world.width - (page % across) * PAGE_CELLS);
  const rows = Math.min(PAGE_CELLS, world.height - Math.floor(page / across) * PAGE_CELLS);
  for (let cell = 0; cell < CELLS; cell++) {
    const owner = owners[cell];
    if (owner === 0) {
      const first = cell;
      while (cell + 1 < CELLS && owners[cell + 1] === 0) cell++;
      // Engines skip empty space, so it must be exactly zero.
      const wrong = firstNotZero(cells.subarray(first * CHANNELS, (cell + 1) * CHANNELS));
      if (wrong < 0) continue;
      const which = first + Math.floor(wrong / CHANNELS);
      throw new EngineError(`page ${page}: cell ${which} has no owner and is not zero`);
    }
    if (organisms[owner] === 0) {
      throw new EngineError(`page ${page}: cell ${cell} belongs to unknown organism ${owner}`);
    }
    if (cell % PAGE_CELLS >= columns || Math.floor(cell / PAGE_CELLS) >= rows) {
      throw new EngineError(`page ${page}: cell ${cell} is owned but outside the world`);
    }
  }
}

const ZEROS = new Float32Array(CELLS * CHANNELS);

/** The first index of a value that is not zero; -1: all are. */
function firstNotZero(values: Float32Array): number {
  // Bytes compare some ten times as fast as values; -0 has other bytes.
  if (isSameBytes(values, ZEROS.subarray(0, values.length))) return -1;
  return values.findIndex((value) => value !== 0);
}
