/** Reads a world in which bodies sleep: the cells of those who are awake, and with them the sleepers'. */
import { PAGE_BYTES, type Rect } from '../../shared/geometry.ts';
import type {
  AwakeEngine,
  EngineChanges,
  EngineState,
  OrganismCensus,
  OrganismId,
  PageState,
  Piece,
} from './engine.ts';
import type { Sleepers } from './sleepers.ts';

export class SleepingReadings {
  readonly #awake: AwakeEngine;
  readonly #sleepers: Sleepers;
  /** Pages with an awake cell, as of the last `takeChanges`; a world that is restored sets them. */
  awakePages = new Set<number>();
  readonly #rgba = new Uint8Array(PAGE_BYTES);
  readonly #pixels = new Uint32Array(this.#rgba.buffer);

  constructor(awake: AwakeEngine, sleepers: Sleepers) {
    this.#awake = awake;
    this.#sleepers = sleepers;
  }

  async visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    const { repainted } = this.#sleepers;
    await this.#awake.visitChanged((page, rgba) => {
      repainted.delete(page);
      visit(page, this.#drawn(page, rgba));
    });
    for (const page of repainted) {
      await this.#awake.readPage(page, this.#rgba);
      this.#sleepers.draw(page, this.#pixels);
      visit(page, this.#rgba);
    }
    repainted.clear();
  }

  async visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void> {
    const left = new Set(this.#sleepers.pages());
    await this.#awake.visitAll((page, rgba) => {
      left.delete(page);
      visit(page, this.#drawn(page, rgba));
    });
    for (const page of left) {
      this.#rgba.fill(0);
      this.#sleepers.draw(page, this.#pixels);
      visit(page, this.#rgba);
    }
  }

  /** A page's pixels with its sleepers'. */
  #drawn(page: number, rgba: Uint8Array): Uint8Array {
    if (!this.#sleepers.hasPage(page)) return rgba;
    this.#rgba.set(rgba);
    this.#sleepers.draw(page, this.#pixels);
    return this.#rgba;
  }

  async readPage(page: number, into: Uint8Array): Promise<void> {
    await this.#awake.readPage(page, into);
    if (this.#sleepers.hasPage(page)) into.set(this.#drawn(page, into));
  }

  async readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void> {
    if (!this.#sleepers.has(organism)) return this.#awake.readOrganism(organism, rect, into);
    into.fill(0);
    this.#sleepers.readOrganism(organism, rect, into);
  }

  async readOwners(rect: Rect, into: Uint16Array): Promise<void> {
    await this.#awake.readOwners(rect, into);
    if (this.#sleepers.size > 0) this.#sleepers.readOwners(rect, into);
  }

  async census(organisms?: Iterable<OrganismId>): Promise<OrganismCensus[]> {
    const census = await this.#awake.census(organisms);
    if (this.#sleepers.size === 0) return census;
    return census.map(({ organism, cells }) => ({
      organism,
      cells: cells + this.#sleepers.count(organism),
    }));
  }

  async copyBodies(organisms: Iterable<OrganismId>): Promise<Map<OrganismId, Piece[]>> {
    const ids = [...organisms];
    const bodies = await this.#awake.copyBodies(ids.filter((organism) => !this.#sleepers.has(organism)));
    for (const organism of ids) {
      const pieces = this.#sleepers.piecesOf(organism);
      if (pieces.length > 0) bodies.set(organism, pieces.map(plainPiece));
    }
    return bodies;
  }

  async save(): Promise<EngineState> {
    const { pages, ...facts } = await this.#awake.save();
    const left = new Set(this.#sleepers.pages());
    const merged = pages.map((page) =>
      left.delete(page.page) ? this.#sleepers.merge(page.page, page) : page,
    );
    for (const page of left) merged.push(this.#sleepers.merge(page));
    return { ...facts, pages: merged };
  }

  async takeChanges(): Promise<EngineChanges> {
    const changes = await this.#awake.takeChanges();
    const changed = new Set(changes.changed);
    const kept = new Set(changes.kept);
    const awake = new Set([...changes.changed, ...changes.kept]);
    // Where the last awake cell has gone, the page is not what it was, though its sleepers are.
    for (const page of this.#sleepers.pages())
      if (!awake.has(page)) (this.awakePages.has(page) ? changed : kept).add(page);
    this.awakePages = awake;
    for (const page of this.#sleepers.unsaved) if (kept.delete(page)) changed.add(page);
    this.#sleepers.unsaved.clear();
    return { ...changes, changed: [...changed], kept: [...kept] };
  }

  async copyPages(pages: readonly number[]): Promise<PageState[]> {
    const awake = new Map((await this.#awake.copyPages(pages)).map((page) => [page.page, page]));
    const copies = pages.map((page) =>
      this.#sleepers.hasPage(page) ? this.#sleepers.merge(page, awake.get(page)) : awake.get(page),
    );
    return copies.filter((page) => page !== undefined);
  }
}

/** A sleeper's cells are replaced, never written, so they may be shared. */
const plainPiece = ({ page, cells, values }: Piece): Piece => ({ page, cells, values });
