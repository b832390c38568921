/** Sets the cells of some organisms aside and puts them back where they were. No other cell is touched. */
import { PAGE_CELLS } from '../../shared/geometry.ts';
import {
  type EngineState,
  MAX_ORGANISMS,
  type OrganismId,
  type PageState,
  type Piece,
} from '../engines/engine.ts';
import { CHANNELS } from '../rules/rule.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;

export class Bodies {
  readonly #pieces = new Map<OrganismId, Piece[]>();

  /** @param pages - as the engine saved them; not kept */
  constructor(pages: readonly PageState[], organisms: ReadonlySet<OrganismId>) {
    const isMeant = tableOf(organisms);
    for (const page of pages) {
      for (const [id, cells] of cellsByOwner(page, isMeant)) {
        const values = new Float32Array(cells.length * CHANNELS);
        for (const [i, cell] of cells.entries())
          values.set(page.cells.subarray(cell * CHANNELS, (cell + 1) * CHANNELS), i * CHANNELS);
        const pieces = this.#pieces.get(id) ?? [];
        pieces.push({ page: page.page, cells: Uint16Array.from(cells), values });
        this.#pieces.set(id, pieces);
      }
    }
  }

  get ids(): OrganismId[] {
    return [...this.#pieces.keys()];
  }

  /** Indices of the pages in which these bodies have cells. */
  get pageIndices(): number[] {
    return [...this.#byPage().keys()];
  }

  /** Makes pages that hold these bodies and nothing else, one after another, in the order of `pageIndices`. */
  *pages(): Generator<PageState> {
    for (const [index, pieces] of this.#byPage()) {
      const page = emptyPage(index);
      for (const [id, piece] of pieces) write(page, id, piece);
      yield page;
    }
  }

  #byPage(): Map<number, [OrganismId, Piece][]> {
    const found = new Map<number, [OrganismId, Piece][]>();
    for (const [id, pieces] of this.#pieces) {
      for (const piece of pieces) {
        const others = found.get(piece.page);
        if (others === undefined) found.set(piece.page, [[id, piece]]);
        else others.push([id, piece]);
      }
    }
    return found;
  }

  has(id: OrganismId): boolean {
    return this.#pieces.has(id);
  }

  /** Takes these organisms' bodies over from another set. */
  adopt(other: Bodies, organisms: Iterable<OrganismId>): void {
    for (const id of organisms) {
      const pieces = other.#pieces.get(id);
      if (pieces !== undefined) this.#pieces.set(id, pieces);
    }
  }

  /**
   * Puts these bodies back into a state. An organism that has grown into their place meanwhile keeps its cells.
   *
   * @param state - its arrays are changed
   */
  putBack(state: EngineState, organisms: ReadonlySet<OrganismId>): EngineState {
    const pages = new Map(state.pages.map((page) => [page.page, page]));
    const back = new Set([...organisms].filter((id) => this.has(id)));
    const isBack = tableOf(back);
    for (const page of state.pages)
      for (const cells of cellsByOwner(page, isBack).values())
        for (const cell of cells) {
          page.owners[cell] = 0;
          page.cells.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
        }
    for (const id of back) {
      for (const piece of this.#pieces.get(id)!) {
        const page = pages.get(piece.page) ?? emptyPage(piece.page);
        pages.set(piece.page, page);
        write(page, id, piece);
      }
    }
    return {
      ...state,
      pages: [...pages.values()].filter(({ owners }) => owners.some((owner) => owner !== 0)),
    };
  }
}

/** Cells that another organism owns are left alone. */
function write(page: PageState, id: OrganismId, { cells, values }: Piece): void {
  for (const [i, cell] of cells.entries()) {
    if (page.owners[cell] !== 0) continue;
    page.owners[cell] = id;
    page.cells.set(values.subarray(i * CHANNELS, (i + 1) * CHANNELS), cell * CHANNELS);
  }
}

const emptyPage = (page: number): PageState => ({
  page,
  cells: new Float32Array(CELLS * CHANNELS),
  owners: new Uint16Array(CELLS),
});

/** [id], 1 for each of these organisms: a look-up per cell of the world must be cheap. */
function tableOf(organisms: ReadonlySet<OrganismId>): Uint8Array {
  const table = new Uint8Array(MAX_ORGANISMS + 1);
  for (const id of organisms) table[id] = 1;
  return table;
}

function cellsByOwner({ owners }: PageState, isMeant: Uint8Array): Map<OrganismId, number[]> {
  const found = new Map<OrganismId, number[]>();
  for (let cell = 0; cell < CELLS; cell++) {
    const owner = owners[cell];
    if (isMeant[owner] === 0) continue;
    const cells = found.get(owner);
    if (cells === undefined) found.set(owner, [cell]);
    else cells.push(cell);
  }
  return found;
}
