/**
 * Stands between the registry, which says which rules are wanted, and the world, which lives by them. The admin page
 * and the `rules` command write swaps into the registry. Here they are probed and done, and the outcome is written
 * back.
 *
 * A locked registry is tried again for a while. A corrupt or read-only one is reported to the caller, and the world
 * goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Actor,
  labelOf,
  type NewSwap,
  Registry,
  type RuleRecord,
  type SwapRecord,
  type SwapStatus,
} from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { RuleError } from '../rules/rule.ts';
import { Turns } from '../turns.ts';
import type { SwapOutcome, WorldLink } from '../world/messages.ts';
import type { Prober } from './prober.ts';

/** Largest blocking wait for another writer: the main thread routes frames. */
const MAX_BUSY_MS = 10;
const RETRY_MS = 40;
const RETRIES = 50;
const POLL_MS = 1_000;

export type SwapResult =
  | { readonly ok: true; readonly swap: number; readonly organisms: number }
  | { readonly ok: false; readonly swap: number; readonly reason: string };

export interface SwapDeskOptions {
  readonly world: Pick<WorldLink, 'ask' | 'ready'>;
  readonly dataDir: string;
  readonly probe: Prober;
  /** Sends a notice to every viewer. */
  readonly announce: (text: string) => void;
  /** Gets what the operator should read. */
  readonly log: (text: string) => void;
}

export class SwapDesk {
  readonly #options: SwapDeskOptions;
  #registry: Registry | null = null;
  #dataVersion = -1;
  /** Outcomes that could not be written yet, by the swap's number. */
  readonly #unwritten = new Map<number, { status: SwapStatus; reason: string; actor: Actor }>();
  /** Swaps that this process has taken on. */
  readonly #taken = new Set<number>();
  readonly #turns = new Turns();
  #isFlushing = false;
  #isDisposed = false;
  #lastComplaint = '';
  readonly #timer: NodeJS.Timeout;

  constructor(options: SwapDeskOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#poll(), POLL_MS);
    void this.#begin();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#isDisposed = true;
    this.#registry?.close();
    this.#registry = null;
  }

  /**
   * Asks the registry; opens it if needed, and tries again while another program holds it.
   *
   * @throws RegistryError, RuleError; nothing has changed then, except where the error says so
   */
  async ask<T>(question: (registry: Registry) => T): Promise<T> {
    for (let tried = 0; ; tried++) {
      if (this.#isDisposed) throw new RegistryError('the server is stopping');
      try {
        this.#registry ??= new Registry(this.#options.dataDir, MAX_BUSY_MS);
        const { file } = this.#registry;
        const before = file.changes;
        const answer = question(this.#registry);
        if (file.changes > before) await file.copied();
        return answer;
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        if (error.fault === 'stale') {
          this.#registry?.close();
          this.#registry = null;
        }
        if (error.fault !== 'locked' || tried >= RETRIES) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /**
   * Writes a swap down, does it, and returns its outcome.
   *
   * @param said - tells everybody; default: who swapped what
   * @throws RegistryError, RuleError when it cannot be written down
   */
  async swap(wanted: NewSwap, actor: Actor, said?: string): Promise<SwapResult> {
    const record = await this.ask((registry) => {
      const swap = registry.wantSwap(wanted, actor);
      // It is taken before the next poll can find it.
      this.#taken.add(swap.id);
      return swap;
    });
    return this.#turns.take(() => this.#do(record, said));
  }

  /** Writes down what the world reports of a swap. */
  settle({ id, species, scope, who, rule, verdict, reason }: SwapOutcome): void {
    this.#write(id, verdict, reason, { who: verdict === 'rolled back' ? 'the server' : who, address: '' });
    if (verdict !== 'rolled back') return;
    const whom = scope === 'organism' ? `One ${species}` : species;
    this.#options.announce(`${whom} went back from ${rule}: ${reason}`);
  }

  /**
   * Settles as in force the swaps that are watched in the registry but not in the world: the process that watched them
   * ended before it could write the outcome, and the saved organisms live by their rules.
   */
  async #begin(): Promise<void> {
    await this.#guarded(async () => {
      const watched = await this.ask((registry) =>
        registry.swaps().filter(({ status }) => status === 'watched'),
      );
      for (const { id, who, address } of watched)
        if (!this.#taken.has(id) && !this.#options.world.ready.watchedSwaps.includes(id))
          this.#write(id, 'in force', 'the server was stopped meanwhile', { who, address });
    });
    await this.#poll();
  }

  /** Once per second: takes on swaps of other programs, and writes outcomes that could not be written before. */
  async #poll(): Promise<void> {
    await this.#guarded(async () => {
      await this.#flush();
      const version = await this.ask((registry) => registry.dataVersion);
      if (version === this.#dataVersion) return;
      this.#dataVersion = version;
      for (const swap of await this.ask((registry) => registry.wanted())) {
        if (this.#taken.has(swap.id)) continue;
        this.#taken.add(swap.id);
        void this.#turns.take(() => this.#do(swap));
      }
    });
  }

  async #do(swap: SwapRecord, said?: string): Promise<SwapResult> {
    const { id, species, scope, who, address } = swap;
    try {
      const { record, organisms } = await this.#tryOut(swap);
      this.#write(id, 'watched', '', { who, address });
      const whom = scope === 'organism' ? `one ${species}` : scope === 'planted' ? `new ${species}` : species;
      this.#options.announce(said ?? `${who} swapped ${whom} to ${labelOf(record)}`);
      return { ok: true, swap: id, organisms };
    } catch (error) {
      const reason = (error as Error).message;
      this.#write(id, 'refused', reason, { who, address });
      return { ok: false, swap: id, reason };
    }
  }

  /** @throws Error with the reason of a refusal; the world is unchanged */
  async #tryOut({ id, species, scope, rule, organism, who }: SwapRecord): Promise<{
    readonly record: RuleRecord;
    readonly organisms: number;
  }> {
    const { record, file, now } = await this.ask((registry) => {
      const inForce = registry.inForce().get(species);
      return {
        record: registry.byId(rule),
        file: registry.read(rule),
        now: inForce === undefined || scope === 'planted' ? null : registry.read(inForce.id),
      };
    });
    const answer = await this.#options.probe({
      rule: file.rule,
      species,
      sha256: record.sha256,
      label: labelOf(record),
      now: now && { rule: now.rule, sha256: now.sha256 },
    });
    if (!answer.ok) throw new RuleError(answer.reason);
    if (answer.fault !== null)
      throw new RuleError(`a grown ${species} cannot live by ${labelOf(record)}: ${answer.fault}`);
    const order = { id, species, scope, who, ...(organism === null ? {} : { organism }) };
    const done = await this.#options.world.ask({ kind: 'swap', order, next: answer.next });
    if (!done.ok) throw new RuleError(done.reason);
    return { record, organisms: done.organisms };
  }

  #write(id: number, status: SwapStatus, reason: string, actor: Actor): void {
    this.#unwritten.set(id, { status, reason, actor });
    void this.#guarded(() => this.#flush());
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      for (let next = first(this.#unwritten); next !== undefined; next = first(this.#unwritten)) {
        const [id, entry] = next;
        await this.ask((registry) => registry.settle(id, entry.status, entry.reason, entry.actor));
        if (this.#unwritten.get(id) === entry) this.#unwritten.delete(id);
      }
    } finally {
      this.#isFlushing = false;
    }
  }

  /** Background work: the same error is reported once, and does not stop the desk. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#lastComplaint = '';
    } catch (error) {
      if (!(error instanceof RegistryError || error instanceof RuleError)) throw error;
      if (this.#isDisposed || error.message === this.#lastComplaint) return;
      this.#lastComplaint = error.message;
      this.#options.log(`registry: ${error.message}`);
    }
  }
}

const first = <K, V>(map: ReadonlyMap<K, V>): [K, V] | undefined => map.entries().next().value;
