/** Takes the sleepers' cells out of the pages of a save. */
import { CHANNELS } from '../rules/rule.ts';
import { MAX_ORGANISMS, type OrganismId, type PageState, type Piece } from './engine.ts';

export class Splitter {
  readonly pieces = new Map<OrganismId, Piece[]>();
  /** Pages with sleepers that had to be brought within the bounds. */
  readonly mended: number[] = [];
  /** [id], 1: it sleeps. A look-up per cell of the world must be cheap. */
  readonly #isAsleep = new Uint8Array(MAX_ORGANISMS + 1);
  readonly #isAnyAsleep: boolean;
  readonly #check: (page: PageState) => void;
  readonly #mend: (page: PageState) => PageState;

  constructor(
    asleep: readonly OrganismId[],
    check: (page: PageState) => void,
    mend: (page: PageState) => PageState,
  ) {
    for (const id of asleep) this.#isAsleep[id] = 1;
    this.#isAnyAsleep = asleep.length > 0;
    this.#check = check;
    this.#mend = mend;
  }

  /**
   * @returns the page without its sleepers: a copy, if it has any; null when nobody else is there
   * @throws EngineError when the page does not fit
   */
  take(saved: PageState): PageState | null {
    if (!this.#isAnyAsleep) return saved;
    this.#check(saved);
    if (!this.#holdsSleeper(saved)) return saved;
    const page = this.#mend(saved);
    if (page.cells !== saved.cells) this.mended.push(saved.page);
    const found = new Map<OrganismId, number[]>();
    let isAnyoneElse = false;
    for (let cell = 0; cell < page.owners.length; cell++) {
      const owner = page.owners[cell];
      if (owner === 0) continue;
      if (this.#isAsleep[owner] === 0) {
        isAnyoneElse = true;
        continue;
      }
      const cells = found.get(owner);
      if (cells === undefined) found.set(owner, [cell]);
      else cells.push(cell);
    }
    for (const [organism, indices] of found) {
      const values = new Float32Array(indices.length * CHANNELS);
      for (let i = 0; i < indices.length; i++)
        for (let c = 0; c < CHANNELS; c++) values[i * CHANNELS + c] = page.cells[indices[i] * CHANNELS + c];
      const pieces = this.pieces.get(organism) ?? [];
      pieces.push({ page: page.page, cells: Uint16Array.from(indices), values });
      this.pieces.set(organism, pieces);
    }
    if (!isAnyoneElse) return null;
    const { cells, owners } = { cells: page.cells.slice(), owners: page.owners.slice() };
    for (const indices of found.values()) {
      for (const cell of indices) {
        cells.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
        owners[cell] = 0;
      }
    }
    return { page: page.page, cells, owners };
  }

  #holdsSleeper({ owners }: PageState): boolean {
    for (let cell = 0; cell < owners.length; cell++) if (this.#isAsleep[owners[cell]] !== 0) return true;
    return false;
  }
}
