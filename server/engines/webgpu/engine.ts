/**
 * The paged engine on a GPU, through WebGPU. Pages live in GPU memory (`layout.ts`). A step is four kernels
 * (`kernels/`), and several steps make one submission (`commands.ts`). Between steps, `editing.ts` writes and
 * `readings.ts` reads.
 *
 * A step allocates no JavaScript object; a submission allocates a few, which a test counts.
 */
import { PAGE_BYTES, PAGE_SHIFT, pagesAcross, type Rect } from '../../../shared/geometry.ts';
import type { Rule } from '../../rules/rule.ts';
import { extentOf, mendedPage } from '../bounds.ts';
import {
  type AwakeEngine,
  type EngineChanges,
  EngineError,
  type EngineFacts,
  type EngineOptions,
  type EngineState,
  type OrganismCensus,
  type OrganismId,
  type PageState,
  type Perturbation,
  type Piece,
  type RuleSlot,
} from '../engine.ts';
import { piecesIn } from '../pieces.ts';
import { Roster } from '../roster.ts';
import { SleepingEngine } from '../sleepingEngine.ts';
import {
  checkOptions,
  checkOrganism,
  checkPerturbation,
  checkPlace,
  checkPlanted,
  checkRule,
  checkState,
  checkTerritory,
  pageCheck,
} from '../validate.ts';
import { Commands } from './commands.ts';
import { acquireDevice, type KernelChoice, type OpenDevice, releaseDevice } from './device.ts';
import { Editing } from './editing.ts';
import { type Page, PageTable } from './pages.ts';
import { Readings } from './readings.ts';

/** Steps in one submission: the pages that all of them need must exist before the first. */
const MAX_STEPS = 16;
/** `load` waits for the GPU after this many pages, because uploads stay in memory until the GPU has taken them. */
const LOADED_AT_ONCE = 256;

export interface WebGpuEngineOptions extends EngineOptions {
  /** `auto` (no software adapter), `swiftshader`, or part of an adapter's name. Default `auto`. */
  readonly adapter?: string;
  /** Default `auto`: subgroups where the adapter has them, weights in float32. */
  readonly kernels?: KernelChoice;
  /** Pages in one bank; set by tests, whose worlds are small. */
  readonly bankPages?: number;
}

/** @throws EngineError for options that do not fit; AdapterError when there is no such adapter */
export async function createWebGpuEngine(
  options: WebGpuEngineOptions,
): Promise<SleepingEngine<WebGpuEngine>> {
  checkOptions(options);
  const opened = await acquireDevice(options.adapter, options.kernels);
  return new SleepingEngine(new WebGpuEngine(options, opened), options);
}

/** Everyone is awake in it. */
export class WebGpuEngine implements AwakeEngine {
  readonly name = 'webgpu';
  readonly description: string;
  readonly width: number;
  readonly height: number;
  /** Public for benchmarks, and for tests that lose the device. */
  readonly opened: OpenDevice;
  readonly commands: Commands;
  #randomSeed: number;
  #steps = 0;
  readonly #rest: number;
  readonly #bounds: boolean;
  readonly #pages: PageTable;
  readonly #readings: Readings;
  readonly #edits: Editing;
  readonly #organisms = new Roster();
  /** In the next step no cell may rest. */
  #isWoken = false;
  #isDisposed = false;

  /** @param opened - released by `dispose` */
  constructor(options: WebGpuEngineOptions, opened: OpenDevice) {
    this.width = options.width;
    this.height = options.height;
    this.#randomSeed = options.randomSeed;
    this.#rest = options.rest ?? 0;
    this.#bounds = options.bounds ?? true;
    this.opened = opened;
    this.description = describe(opened);
    const inWorld = pagesAcross(this.width) * pagesAcross(this.height);
    const maxPages = Math.min(options.maxPages ?? inWorld, inWorld);
    this.commands = new Commands(opened, maxPages, options.bankPages);
    this.#pages = new PageTable(this, Math.min(maxPages, this.commands.memory.maxSlots - 1));
    this.#edits = new Editing(this.#pages, this.commands, this, () => this.#applyEdits());
    this.#readings = new Readings(opened.device, this.commands, this.#pages, this);
  }

  get stepNumber(): number {
    return this.#steps;
  }

  /** Pages with life after the last step; pages that an edit emptied since still count. */
  get pageCount(): number {
    return this.#pages.list.reduce((count, { hasLife }) => count + Number(hasLife), 0);
  }

  /** Pages that exist: those with life and those that life can reach. */
  get existingPages(): number {
    return this.#pages.list.length;
  }

  setRule(slot: RuleSlot, rule: Rule): void {
    checkRule(slot, rule);
    this.commands.rules.set(slot, rule);
    this.#isWoken = true;
  }

  plant(organism: OrganismId, slot: RuleSlot, x: number, y: number, territory?: Rect): void {
    checkOrganism(organism);
    checkPlace(x, y, territory, this);
    if (this.#organisms.has(organism)) throw new EngineError(`organism ${organism} is in use`);
    this.#checkRuleIn(slot);
    const [px, py] = [x >> PAGE_SHIFT, y >> PAGE_SHIFT];
    const page = this.#pages.obtain(px, py) ?? this.#obtainByForce(px, py);
    if (page === undefined) throw new EngineError(`no room: ${this.pageCount} pages exist, no more may`);
    this.#enlist(organism, slot, territory);
    this.#edits.plant(page, organism, x, y);
  }

  setTerritory(organism: OrganismId, territory: Rect | undefined): void {
    checkPlanted(organism, this.#organisms);
    checkTerritory(territory);
    this.#enlist(organism, this.#organisms.slotOf(organism)!, territory);
    if (this.#bounds) this.#edits.confine(organism, extentOf(territory, this));
  }

  setOrganismRule(organism: OrganismId, slot: RuleSlot): void {
    checkPlanted(organism, this.#organisms);
    this.#checkRuleIn(slot);
    this.#enlist(organism, slot, this.#organisms.territoryOf(organism));
    this.#isWoken = true;
  }

  remove(organism: OrganismId): void {
    checkPlanted(organism, this.#organisms);
    this.#edits.clear(organism);
    this.#organisms.delete(organism);
  }

  async lift(organism: OrganismId): Promise<Piece[]> {
    checkPlanted(organism, this.#organisms);
    await this.#refresh();
    const pages = this.#pages.list.filter((page) => page.hasLife && page.mayHold(organism));
    const pieces = piecesIn(await this.#readings.states(pages), [organism]).get(organism) ?? [];
    this.#edits.clear(organism);
    return pieces;
  }

  lay(organism: OrganismId, pieces: readonly Piece[]): boolean {
    checkPlanted(organism, this.#organisms);
    return this.#edits.lay(organism, pieces);
  }

  perturb(perturbation: Perturbation): void {
    checkPerturbation(perturbation, this.#organisms);
    switch (perturbation.kind) {
      case 'ablate':
        this.#edits.ablate(perturbation);
        return;
      case 'noise': {
        const { salt, amplitude } = perturbation;
        const draw = { randomSeed: this.#randomSeed, step: this.#steps, salt };
        this.#edits.addNoise(perturbation, { ...draw, amplitude, bounds: this.#bounds });
        return;
      }
      case 'truncate':
        this.#edits.truncate(perturbation);
        return;
      default:
        perturbation satisfies never;
    }
  }

  async step(steps: number): Promise<void> {
    this.commands.checkWhole();
    for (let left = steps; left > 0; ) {
      this.#applyEdits();
      const batch = this.#pages.prepare(Math.min(left, MAX_STEPS));
      if (this.#pages.list.length === 0) {
        this.#steps = (this.#steps + left) >>> 0;
        return;
      }
      this.#upload();
      this.#isWoken = false;
      await this.#submit(batch);
      this.#steps = (this.#steps + batch) >>> 0;
      left -= batch;
    }
  }

  async visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    await this.#refresh();
    const { list, ceased } = this.#pages;
    const changed = list.filter((page) => page.isChanged || ceased.has(page.index));
    for (const page of changed) {
      page.isChanged = false;
      ceased.delete(page.index);
    }
    if (changed.length > 0) {
      this.commands.forget();
      await this.#readings.pixels(changed, visit);
    }
    if (ceased.size === 0) return;
    const zeros = new Uint8Array(PAGE_BYTES);
    for (const index of ceased) visit(index, zeros);
    ceased.clear();
  }

  async visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    await this.#refresh();
    await this.#readings.pixels(this.#livingPages(), visit);
  }

  async readPage(index: number, into: Uint8Array): Promise<void> {
    this.commands.checkWhole();
    this.#applyEdits();
    const page = this.#pages.at(index);
    if (page === undefined) into.fill(0);
    else await this.#readings.pixels([page], (_, rgba) => into.set(rgba));
  }

  async readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    this.commands.checkWhole();
    this.#applyEdits();
    await this.#readings.organism(organism, rect, into);
  }

  async readOwners(rect: Rect, into: Uint16Array): Promise<void> {
    this.commands.checkWhole();
    this.#applyEdits();
    await this.#readings.owners(rect, into);
  }

  async census(organisms?: Iterable<OrganismId>): Promise<OrganismCensus[]> {
    this.commands.checkWhole();
    this.#applyEdits();
    const counted = [...this.#organisms.among(organisms)];
    const counts = await this.#readings.counts(counted.reduce((last, id) => Math.max(last, id), 0) + 1);
    return counted.map((organism) => ({ organism, cells: counts[organism] }));
  }

  async copyBodies(organisms: Iterable<OrganismId>): Promise<Map<OrganismId, Piece[]>> {
    await this.#refresh();
    const ids = [...this.#organisms.among(organisms)];
    const pages = this.#livingPages().filter((page) => ids.some((id) => page.mayHold(id)));
    return piecesIn(await this.#readings.states(pages), ids);
  }

  async save(): Promise<EngineState> {
    await this.#refresh();
    return { ...this.#facts, pages: await this.#readings.states(this.#livingPages()) };
  }

  async takeChanges(): Promise<EngineChanges> {
    await this.#refresh();
    const changed: number[] = [];
    const kept: number[] = [];
    for (const page of this.#livingPages()) {
      (page.isUnsaved ? changed : kept).push(page.index);
      page.isUnsaved = false;
    }
    return { ...this.#facts, changed, kept };
  }

  async copyPages(pages: readonly number[]): Promise<PageState[]> {
    await this.#refresh();
    const found = pages.map((index) => this.#pages.at(index));
    return this.#readings.states(found.filter((page) => page?.hasLife === true) as Page[]);
  }

  async restore(state: EngineState): Promise<void> {
    checkState(state, this, this.#pages.maxPages, (slot) => this.commands.rules.has(slot));
    await this.#begin(state);
    for (const page of state.pages) this.#put(page);
    await this.#end();
  }

  async load(facts: EngineFacts, pages: AsyncIterable<PageState> | Iterable<PageState>): Promise<void> {
    const check = pageCheck(facts, this, this.#pages.maxPages, (slot) => this.commands.rules.has(slot));
    await this.#begin(facts);
    const unchanged: Page[] = [];
    for await (const page of pages) {
      check(page);
      const made = this.#put(page);
      if (made?.isMended === false) unchanged.push(made.page);
      if (this.#pages.list.length % LOADED_AT_ONCE === 0) await this.#refresh();
    }
    await this.#end();
    for (const page of unchanged) page.isUnsaved = false;
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.commands.lose('the engine is disposed of');
    this.commands.dispose();
    releaseDevice(this.opened);
  }

  get #facts(): EngineFacts {
    const organisms = this.#organisms.states();
    return { stepNumber: this.#steps, randomSeed: this.#randomSeed, organisms };
  }

  // --- restoring a world ---

  /** Empties the world and sets these facts. */
  async #begin({ stepNumber, randomSeed, organisms }: EngineFacts): Promise<void> {
    await this.#refresh();
    this.commands.wipe(this.#pages.list);
    this.commands.forget(true);
    this.#pages.clear();
    this.#organisms.clear();
    for (const { id, rule, territory } of organisms) this.#enlist(id, rule, territory);
    this.#steps = stepNumber;
    this.#randomSeed = randomSeed;
  }

  /** @returns null when the page has no owned cell, or mending leaves none */
  #put(saved: PageState): { readonly page: Page; readonly isMended: boolean } | null {
    const mended = this.#bounds ? mendedPage(saved, this, (id) => this.#organisms.territoryOf(id)) : saved;
    if (!mended.owners.some((owner) => owner !== 0)) return null;
    const page = this.#edits.restore(mended);
    // `mendedPage` copies what it changes.
    return { page, isMended: mended.cells !== saved.cells };
  }

  async #end(): Promise<void> {
    this.#isWoken = false;
    await this.#refresh();
  }

  // --- checks ---

  #checkRuleIn(slot: RuleSlot): void {
    if (!this.commands.rules.has(slot)) throw new EngineError(`no rule in slot ${slot}`);
  }

  // --- pages ---

  #enlist(organism: OrganismId, slot: RuleSlot, territory: Rect | undefined): void {
    this.#organisms.enlist(organism, slot);
    this.#organisms.stake(organism, territory);
    this.commands.rules.assign(organism, slot, extentOf(this.#bounds ? territory : undefined, this));
  }

  #livingPages(): Page[] {
    return this.#pages.list.filter(({ hasLife }) => hasLife);
  }

  /** When no more pages may exist, replaces one without life. */
  #obtainByForce(px: number, py: number): Page | undefined {
    const empty = this.#pages.list.find(({ hasLife }) => !hasLife);
    if (empty === undefined) return undefined;
    this.#applyEdits();
    this.#upload(); // makes sure that its slot exists
    this.commands.wipe([empty]);
    this.#pages.release(empty);
    // Neighbours must recompute beside the cells that died there, and the page can no longer wake them.
    this.#isWoken = true;
    return this.#pages.obtain(px, py);
  }

  // --- the GPU ---

  #upload(): void {
    this.commands.upload(this.#pages, {
      randomSeed: this.#randomSeed,
      stepNumber: this.#steps,
      rest: this.#rest,
      bounds: this.#bounds,
      isWoken: this.#isWoken,
    });
  }

  #applyEdits(): void {
    if (this.#edits.isEmpty) return;
    this.#upload();
    this.commands.edit(this.#edits.take());
  }

  /** Applies the waiting edits and reads the pages' report. */
  async #refresh(): Promise<void> {
    this.commands.checkWhole();
    if (!this.#edits.isPending) return;
    this.#applyEdits();
    if (this.#pages.list.length === 0) return;
    this.#upload();
    await this.#submit(0);
  }

  async #submit(steps: number): Promise<void> {
    await this.commands.step(this.#pages, steps);
    this.#edits.isPending = false;
  }
}

const describe = ({ adapter, isSoftware, form }: OpenDevice): string =>
  [
    `webgpu on ${adapter}${isSoftware ? ' (software)' : ''}`,
    ...(form.subgroups ? ['subgroups'] : []),
    ...(form.halfWeights ? ['weights in float16'] : []),
  ].join(', ');
