/** The cells of some organisms, set aside to be put back where they were. */
import { PAGE_CELLS } from '../../shared/geometry.ts';
import type { OrganismId, PageState, Piece } from '../engines/engine.ts';
import { type PiecesByOrganism, piecesIn } from '../engines/pieces.ts';
import { CHANNELS } from '../rules/rule.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;

export class Bodies {
  readonly #pieces: Map<OrganismId, readonly Piece[]>;

  /** @param pieces - not to be written any more */
  constructor(pieces: PiecesByOrganism = new Map()) {
    this.#pieces = new Map(pieces);
  }

  /** @param pages - as an engine saved them; not kept */
  static in(pages: readonly PageState[], organisms: ReadonlySet<OrganismId>): Bodies {
    return new Bodies(piecesIn(pages, organisms));
  }

  /** The cells of those of these organisms that it holds, in their order. */
  of(organisms: Iterable<OrganismId>): Map<OrganismId, readonly Piece[]> {
    const found = new Map<OrganismId, readonly Piece[]>();
    for (const id of organisms) {
      const pieces = this.#pieces.get(id);
      if (pieces !== undefined) found.set(id, pieces);
    }
    return found;
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
