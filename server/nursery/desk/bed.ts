/**
 * The species that the nursery has given to the world. There is room for so many: when another comes, the one with the
 * fewest living bodies withers, and one of the last hour only where all are.
 */
import { readFileSync, rmSync } from 'node:fs';
import { parseRule } from '../../rules/format.ts';
import { type Actor, labelOf, type Registry, type RuleRecord, sha256Of } from '../../rules/registry.ts';
import { RegistryError } from '../../rules/registryFile.ts';
import { RuleError } from '../../rules/rule.ts';
import type { Prober } from '../../swaps/prober.ts';
import type { SwapDesk } from '../../swaps/swapDesk.ts';
import type { WorldLink } from '../../world/messages.ts';
import type { LearnResult } from '../job.ts';
import type { NurseryAudience } from './audience.ts';
import { DrawingMoved, type Drawings } from './drawings.ts';
import type { DrawingRow } from './drawingTable.ts';
import type { JobFolders } from './jobFolders.ts';

export const NURSERY: Actor = { who: 'the nursery', address: '' };

/** So long, its maker has time to plant a species before it counts that it has no bodies. */
const NEW_MS = 3_600_000;

export interface BedOptions {
  readonly drawings: Drawings;
  readonly desk: Pick<SwapDesk, 'ask' | 'swap'>;
  readonly probe: Prober;
  readonly world: Pick<WorldLink, 'ask' | 'ready'>;
  /** Species of the nursery at once. */
  readonly maxSpecies: number;
  /** Species of all origins together. */
  readonly maxWorldSpecies: number;
  readonly folders: JobFolders;
  readonly audience: () => NurseryAudience;
  readonly log: (text: string) => void;
}

/** What became of a rule that was to be planted. `later`: it can be tried again. */
export type Planted =
  | { readonly ok: true; readonly row: DrawingRow }
  | { readonly ok: false; readonly isFinal: boolean; readonly reason: string };

export class Bed {
  readonly #options: BedOptions;

  constructor(options: BedOptions) {
    this.#options = options;
  }

  /** Species → living bodies. @throws NoAnswerError */
  bodies(): Promise<Readonly<Record<string, number>>> {
    return this.#options.world.ask({ kind: 'population' });
  }

  /**
   * Enters the rule into the registry, and makes its species one of the world's. What is done already, by a process that
   * was killed, is not done again.
   *
   * @param file - of the rule
   * @throws RegistryError, NoAnswerError; it can be tried again
   */
  async plant(row: DrawingRow, file: string, result: LearnResult): Promise<Planted> {
    const { desk, drawings, probe } = this.#options;
    const bytes = readFileSync(file);
    const rule = parseRule(bytes);
    const answer = await probe({
      rule,
      species: row.species,
      sha256: sha256Of(bytes),
      label: row.species,
      now: null,
    });
    if (!answer.ok) return { ok: false, isFinal: true, reason: answer.reason };
    const more = (registry: Registry) => ({ rule: enter(registry, bytes, result).id });
    const entered = await drawings.change(row.id, ['learning'], { result }, { more });
    const inForce = await desk.ask((registry) => registry.inForce().get(row.species));
    if (inForce === undefined) {
      const full = await this.#makeRoom();
      if (full !== null) return { ok: false, isFinal: false, reason: full };
      const wanted = { species: row.species, rule: entered.rule!, scope: 'species' } as const;
      const said = `${row.name} can be planted now: ${row.maker} has drawn it, and the world has learned it.`;
      const swapped = await desk.swap(wanted, NURSERY, said);
      if (!swapped.ok) return { ok: false, isFinal: false, reason: swapped.reason };
    }
    const reason = result.lacks.join('; ');
    const changed = await drawings.change(row.id, ['learning'], { state: 'ready', reason });
    return { ok: true, row: changed };
  }

  /** @returns why there is no room, for the operator; null: there is */
  async #makeRoom(): Promise<string | null> {
    const { drawings, world, maxSpecies, maxWorldSpecies } = this.#options;
    const ready = drawings.in('ready');
    if (ready.length < maxSpecies && world.ready.species.length < maxWorldSpecies) return null;
    const bodies = await this.bodies();
    const now = Date.now();
    const isNew = ({ changed }: DrawingRow): number => Number(now - Date.parse(changed) < NEW_MS);
    const least = ({ species }: DrawingRow): number => bodies[species] ?? 0;
    const [victim] = ready.toSorted(
      (a, b) => isNew(a) - isNew(b) || least(a) - least(b) || a.changed.localeCompare(b.changed),
    );
    if (victim === undefined)
      return `the world has ${world.ready.species.length} species, of which none is the nursery's: there is no room for another`;
    await this.take(victim, 'withered', 'Another drawing needed its place.', NURSERY);
    return null;
  }

  /** The species is the world's no longer, and its bodies dissolve. @throws RegistryError, NoAnswerError */
  async take(
    row: DrawingRow,
    state: 'withered' | 'removed',
    reason: string,
    actor: Actor,
  ): Promise<DrawingRow> {
    const { drawings } = this.#options;
    const action = state === 'withered' ? 'wither species' : 'remove species';
    // The registry first: a world that starts again in between has no such species.
    const changed = await drawings.change(row.id, ['ready'], { state, reason }, { note: { actor, action } });
    this.#left(changed);
    await this.clear(changed);
    return changed;
  }

  /** Takes a species and its bodies out of the world, if they are there. @throws NoAnswerError */
  async clear({ species }: Pick<DrawingRow, 'species'>): Promise<void> {
    await this.#options.world.ask({ kind: 'control', control: { kind: 'removeSpecies', species } });
  }

  has({ species }: Pick<DrawingRow, 'species'>): boolean {
    return this.#options.world.ready.species.some(({ name }) => name === species);
  }

  /** A process may have been killed between the registry and the world. @throws NoAnswerError */
  async matchWorld(): Promise<void> {
    const { drawings } = this.#options;
    for (const row of drawings.in('withered', 'removed')) if (this.has(row)) await this.clear(row);
    for (const row of drawings.in('ready')) if (!this.has(row)) await this.gone(row, 'its rule was given up');
  }

  /** The world has it no longer: it could not live there. Never rejects. */
  async gone(row: DrawingRow, reason: string): Promise<void> {
    try {
      const changed = await this.#options.drawings.change(row.id, ['ready'], {
        state: 'withered',
        reason: `It could not live in the world: ${reason}`,
      });
      this.#left(changed);
      this.#options.audience().tell(row.guest, `${row.name} could not live in the world: ${reason}.`);
    } catch (error) {
      // A moderator was first.
      if (error instanceof DrawingMoved) return;
      if (!(error instanceof RegistryError)) throw error;
      // The next start finds it out.
      this.#options.log(error.message);
    }
  }

  /** A species has withered or was removed. */
  #left(row: DrawingRow): void {
    rmSync(this.#options.folders.keptOf(row.id), { recursive: true, force: true });
    this.#options.log(`${row.species} has ${row.state}: ${row.reason}`);
    this.#options.audience().drawingsOf(row.guest);
  }
}

function enter(registry: Registry, bytes: Uint8Array, { metrics }: LearnResult): RuleRecord {
  const known = registry.bySha256(sha256Of(bytes));
  if (known === null) return registry.add({ bytes, origin: 'trained', metrics }, NURSERY);
  if (known.origin !== 'trained') throw new RuleError(`it is ${labelOf(known)}`);
  return known;
}
