/** The drawings in memory, as the registry's file has them: read once, and changed only together with the file. */
import type { DrawingState } from '../../../shared/nursery.ts';
import type { Actor, Registry } from '../../rules/registry.ts';
import { RuleError } from '../../rules/rule.ts';
import { type DrawingChange, type DrawingRow, DrawingTable, type NewDrawing } from './drawingTable.ts';

/** Another has changed the drawing first: it is withdrawn, refused, or learned by now. */
export class DrawingMoved extends RuleError {
  override name = 'DrawingMoved';
}

export interface ChangeOptions {
  /** For the audit log: who did it, and what. */
  readonly note?: { readonly actor: Actor; readonly action: string };
  /** Changed in the same transaction. */
  readonly more?: (registry: Registry) => DrawingChange;
}

export type AskRegistry = <T>(question: (registry: Registry) => T) => Promise<T>;

export class Drawings {
  readonly #ask: AskRegistry;
  readonly #rows = new Map<number, DrawingRow>();
  #isLoaded = false;
  /** Goes up with every change. */
  version = 0;

  constructor(ask: AskRegistry) {
    this.#ask = ask;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** @throws RegistryError */
  async load(): Promise<void> {
    const rows = await this.#ask((registry) => new DrawingTable(registry).all());
    this.#rows.clear();
    for (const row of rows) this.#rows.set(row.id, row);
    this.#isLoaded = true;
    this.version++;
  }

  byId(id: number): DrawingRow | undefined {
    return this.#rows.get(id);
  }

  /** Oldest first. */
  get all(): DrawingRow[] {
    return [...this.#rows.values()];
  }

  in(...states: readonly DrawingState[]): DrawingRow[] {
    return this.all.filter(({ state }) => states.includes(state));
  }

  /** @throws RegistryError */
  async add(drawing: NewDrawing, taken: ReadonlySet<string>): Promise<DrawingRow> {
    const { row, ids } = await this.#ask((registry) => {
      const table = new DrawingTable(registry);
      const added = table.add(drawing, taken);
      return { row: added, ids: new Set(table.ids()) };
    });
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id);
    this.#rows.set(row.id, row);
    this.version++;
    return row;
  }

  /**
   * @param from - the states that the change was decided for: in another one it would undo what others have done meanwhile
   * @throws DrawingMoved, RegistryError; then nothing has changed
   */
  async change(
    id: number,
    from: readonly DrawingState[],
    change: DrawingChange,
    { note, more }: ChangeOptions = {},
  ): Promise<DrawingRow> {
    const row = await this.#ask((registry) =>
      registry.file.change(() => {
        const table = new DrawingTable(registry);
        const { state } = table.byId(id);
        if (!from.includes(state)) throw new DrawingMoved(`drawing ${id} is ${state} by now`);
        const changed = table.change(id, { ...change, ...more?.(registry) }, new Date().toISOString());
        if (note !== undefined)
          registry.audit.note(
            note.actor,
            note.action,
            changed.species,
            `drawing ${id}, "${changed.name}"${changed.reason && `: ${changed.reason}`}`,
          );
        return changed;
      }),
    );
    this.#rows.set(id, row);
    this.version++;
    return row;
  }
}
