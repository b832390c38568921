/**
 * Between the registry, which says which rules are wanted, and the world, which lives by them. Whoever
 * wants a swap (the admin page, the `rules` command) writes it into the registry; here it is probed, done,
 * and what became of it written back.
 *
 * A registry that is locked is tried again for a while; one that is corrupt or read-only is said so to
 * whoever asks, and the world goes on.
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
import type { SwapOutcome, WorldLink } from '../world/messages.ts';
import type { Prober } from './prober.ts';

/** The main thread routes frames: it must not stand still for a writer. */
const BUSY_MS = 10;
const RETRY_MS = 40;
const RETRIES = 50;
const POLL_MS = 1_000;

export type SwapResult =
  | { readonly ok: true; readonly swap: number; readonly organisms: number }
  | { readonly ok: false; readonly swap: number; readonly reason: string };

export interface SwapDeskOptions {
  readonly world: Pick<WorldLink, 'ask'>;
  readonly dataDir: string;
  readonly probe: Prober;
  /** Every viewer shall read it. */
  readonly announce: (text: string) => void;
  /** The operator shall read it. */
  readonly log: (line: string) => void;
}

export class SwapDesk {
  readonly #options: SwapDeskOptions;
  #registry: Registry | null = null;
  #dataVersion = -1;
  /** What is not yet in the registry: it was locked, or worse. By the swap's number. */
  readonly #unwritten = new Map<number, { status: SwapStatus; reason: string; actor: Actor }>();
  /** Swaps that this process has taken on. */
  readonly #taken = new Set<number>();
  #turn: Promise<unknown> = Promise.resolve();
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
   * Asks the registry; it is opened when needed, and tried again while another program holds it.
   *
   * @throws RegistryError, RuleError; nothing has changed then
   */
  async ask<T>(question: (registry: Registry) => T): Promise<T> {
    for (let tried = 0; ; tried++) {
      if (this.#isDisposed) throw new RegistryError('the server is stopping');
      try {
        this.#registry ??= new Registry(this.#options.dataDir, BUSY_MS);
        return question(this.#registry);
      } catch (error) {
        const isLocked = error instanceof RegistryError && error.isLocked;
        if (!isLocked || tried >= RETRIES) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /**
   * Writes what is wanted, does it, and says what came of it.
   *
   * @throws RegistryError, RuleError when it cannot even be written down
   */
  async swap(wanted: NewSwap, actor: Actor): Promise<SwapResult> {
    const record = await this.ask((registry) => {
      const swap = registry.wantSwap(wanted, actor);
      // Before the next poll could find it.
      this.#taken.add(swap.id);
      return swap;
    });
    return this.#alone(() => this.#do(record));
  }

  /** What the world says became of a swap. */
  settle({ id, species, scope, who, rule, verdict, reason }: SwapOutcome): void {
    this.#write(id, verdict, reason, { who: verdict === 'rolled back' ? 'the server' : who, address: '' });
    if (verdict !== 'rolled back') return;
    const whom = scope === 'organism' ? `One ${species}` : species;
    this.#options.announce(`${whom} went back from ${rule}: ${reason}`);
  }

  /** A world that was stopped while it watched a swap has saved organisms that live by it. */
  async #begin(): Promise<void> {
    await this.#guarded(async () => {
      const watched = await this.ask((registry) =>
        registry.swaps().filter(({ status }) => status === 'watched'),
      );
      for (const { id, who, address } of watched)
        if (!this.#taken.has(id))
          this.#write(id, 'in force', 'the server was stopped meanwhile', { who, address });
    });
    await this.#poll();
  }

  /** Once a second: what other programs have written, and what could not be written before. */
  async #poll(): Promise<void> {
    await this.#guarded(async () => {
      await this.#flush();
      const version = await this.ask((registry) => registry.dataVersion);
      if (version === this.#dataVersion) return;
      this.#dataVersion = version;
      for (const swap of await this.ask((registry) => registry.wanted())) {
        if (this.#taken.has(swap.id)) continue;
        this.#taken.add(swap.id);
        void this.#alone(() => this.#do(swap));
      }
    });
  }

  /** Swaps are done one after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #do(swap: SwapRecord): Promise<SwapResult> {
    const { id, species, scope, who, address } = swap;
    try {
      const { record, organisms } = await this.#tryOut(swap);
      this.#write(id, 'watched', '', { who, address });
      const whom = scope === 'organism' ? `one ${species}` : scope === 'planted' ? `new ${species}` : species;
      this.#options.announce(`${who} swapped ${whom} to ${labelOf(record)}`);
      return { ok: true, swap: id, organisms };
    } catch (error) {
      const reason = (error as Error).message;
      this.#write(id, 'refused', reason, { who, address });
      return { ok: false, swap: id, reason };
    }
  }

  /** @throws Error with the reason why it is refused; the world is as it was */
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
    const done = await this.#options.world.ask<'swap'>({ kind: 'swap', order, next: answer.next });
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

  /** Work that nobody waits for: its trouble is told once, and is no reason to stop. */
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
