/** The table `drawings` of the registry's file: every drawing that was submitted, and what became of it. */
import { DRAWING_STATES, type DrawingState } from '../../../shared/nursery.ts';
import type { Registry } from '../../rules/registry.ts';
import type { LearnResult } from '../job.ts';

export interface DrawingRow {
  readonly id: number;
  /** As its maker calls it. */
  readonly name: string;
  /** The species that it becomes; no two drawings have the same, whatever became of them. */
  readonly species: string;
  /** `shared/drawing/packed.ts` */
  readonly drawing: string;
  /** Id of the guest. */
  readonly guest: string;
  /** What the guest was called. */
  readonly maker: string;
  readonly address: string;
  readonly state: DrawingState;
  /** For people; empty: there is nothing to say. */
  readonly reason: string;
  /** Its rule's id, once it has one. */
  readonly rule: number | null;
  /** null: it has not been learned. */
  readonly result: LearnResult | null;
  /** How often learning it has failed. */
  readonly failures: number;
  /** ISO 8601, as are the others. */
  readonly created: string;
  /** When learning began first; empty: it has not. */
  readonly begun: string;
  readonly changed: string;
}

export type NewDrawing = Pick<
  DrawingRow,
  'name' | 'drawing' | 'guest' | 'maker' | 'address' | 'state' | 'created'
>;
export type DrawingChange = Partial<
  Pick<DrawingRow, 'state' | 'reason' | 'rule' | 'result' | 'failures' | 'begun'>
>;

/** Neither a species nor over. */
export const UNGROWN = ['waiting', 'queued', 'learning'] as const satisfies readonly DrawingState[];
/** Over without a species: the oldest beyond these are forgotten. */
const MAX_OVER = 500;
const OVER: readonly DrawingState[] = ['refused', 'withdrawn'];
/** As many characters of a name as a species takes; the rest of 32 is for a number. */
const MAX_STEM = 24;

/** Every method throws a RegistryError when the file cannot be read or written; then nothing has changed. */
export class DrawingTable {
  readonly #registry: Pick<Registry, 'file'>;

  constructor(registry: Pick<Registry, 'file'>) {
    this.#registry = registry;
  }

  /** Oldest first. */
  all(): DrawingRow[] {
    return this.#registry.file.all('SELECT * FROM drawings ORDER BY id').map(readRow);
  }

  ids(): number[] {
    return this.#registry.file.all<{ id: number }>('SELECT id FROM drawings').map(({ id }) => id);
  }

  /** @param taken - names that its species must not have, besides those of rules and other drawings */
  add(drawing: NewDrawing, taken: ReadonlySet<string> = new Set()): DrawingRow {
    const { file } = this.#registry;
    return file.change(() => {
      const species = this.#freeName(drawing.name, taken);
      const { name, guest, maker, address, state, created } = drawing;
      const id = file.write(
        `INSERT INTO drawings (name, species, drawing, guest, maker, address, state, reason, rule, result, failures,
         created, begun, changed) VALUES (?, ?, ?, ?, ?, ?, ?, '', NULL, '', 0, ?, '', ?)`,
        ...[name, species, drawing.drawing, guest, maker, address, state, created, created],
      );
      this.#forgetOld();
      return this.byId(id);
    });
  }

  byId(id: number): DrawingRow {
    return readRow(this.#registry.file.one('SELECT * FROM drawings WHERE id = ?', id)!);
  }

  change(id: number, change: DrawingChange, at: string): DrawingRow {
    const { file } = this.#registry;
    return file.change(() => {
      const { state, reason, rule, result, failures, begun } = { ...this.byId(id), ...change };
      file.write(
        `UPDATE drawings SET state = ?, reason = ?, rule = ?, result = ?, failures = ?, begun = ?, changed = ?
         WHERE id = ?`,
        ...[state, reason, rule, result === null ? '' : JSON.stringify(result), failures, begun, at, id],
      );
      return this.byId(id);
    });
  }

  #freeName(name: string, taken: ReadonlySet<string>): string {
    const stem = stemOf(name);
    for (let number = 1; ; number++) {
      const species = number === 1 ? stem : `${stem}-${number}`;
      if (!taken.has(species) && !this.#isUsed(species)) return species;
    }
  }

  #isUsed(species: string): boolean {
    const row = this.#registry.file.one(
      `SELECT 1 FROM rules WHERE name = ?1 UNION SELECT 1 FROM drawings WHERE species = ?1
       UNION SELECT 1 FROM swaps WHERE species = ?1`,
      species,
    );
    return row !== undefined;
  }

  #forgetOld(): void {
    const over = OVER.map((state) => `'${state}'`).join(', ');
    this.#registry.file.write(
      `DELETE FROM drawings WHERE rule IS NULL AND state IN (${over}) AND id NOT IN
       (SELECT id FROM drawings WHERE rule IS NULL AND state IN (${over}) ORDER BY id DESC LIMIT ${MAX_OVER})`,
    );
  }
}

/** A rule's name from a creature's: "Señor Käfer 2" gives "senor-kafer-2"; without Latin letters, "creature". */
export function stemOf(name: string): string {
  const stem = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, MAX_STEM)
    .replace(/-+$/, '');
  return /[a-z]/.test(stem) ? stem : 'creature';
}

function readRow(row: Record<string, unknown>): DrawingRow {
  const { result, state, ...rest } = row as unknown as Omit<DrawingRow, 'result'> & {
    readonly result: string;
  };
  return {
    ...rest,
    state: DRAWING_STATES.find((known) => known === state) ?? 'refused',
    result: result === '' ? null : (JSON.parse(result) as LearnResult),
  };
}
