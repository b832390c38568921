/**
 * The tuner's attempts before and after they run: wounds are gathered until there are enough for one, a job gets the rule
 * in force and the wounds, and what became of it is written down.
 */
import type { AttemptTold, RoundTold } from '../../shared/adminApi.ts';
import { writeWhole } from '../rules/load.ts';
import { labelOf, type Registry, type RuleRecord } from '../rules/registry.ts';
import { RuleError } from '../rules/rule.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import type { Wound } from '../world/wound.ts';
import { AttemptLog } from './attemptLog.ts';
import type { Candidates } from './candidates.ts';
import type { Job, Jobs, KnownRule, Result, TuneOptions } from './jobs.ts';
import { WoundStore } from './woundStore.ts';

export interface AttemptsOptions extends TuneOptions {
  readonly desk: Pick<SwapDesk, 'ask'>;
  readonly dataDir: string;
  readonly jobs: Jobs;
  readonly candidates: Candidates;
  /** A job that has begun keeps its wounds. */
  readonly isFar?: boolean;
  /** Gets what the operator should read. */
  readonly log: (text: string) => void;
  /** How far an attempt came; null: nothing is known. */
  readonly progressOf: (job: Job) => { readonly done: number; readonly rounds: readonly RoundTold[] } | null;
}

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #jobs: Jobs;
  readonly #wounds: WoundStore;
  readonly #attempts: AttemptLog;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#jobs = options.jobs;
    this.#wounds = new WoundStore(options.dataDir, options.log);
    this.#attempts = new AttemptLog(options.dataDir, options.log);
  }

  /** Newest first. */
  get past(): readonly AttemptTold[] {
    return this.#attempts.attempts;
  }

  get gathering(): WoundStore['gathering'] {
    return this.#wounds.gathering;
  }

  /** Jobs of versions that tuned on one session at a time: their wounds are gathered like those of a session. */
  takeOver(): void {
    for (const name of this.#jobs.list()) {
      const old = this.#jobs.readOld(name);
      if (old === null) continue;
      this.#jobs.remove(name);
      this.gather(old.session, old.species, old.wounds);
    }
  }

  /** Keeps the wounds that a session dealt to a species, and queues an attempt when there are enough new ones. */
  gather(session: string, species: string, wounds: readonly Pick<Wound, 'blows'>[]): void {
    try {
      const { fresh, needed } = this.#wounds.add(species, session, wounds);
      if (fresh === 0) return;
      if (fresh < needed) this.#options.log(`${species}: ${fresh} of ${needed} new different wounds so far`);
      else this.#queue(species, session);
    } catch (error) {
      this.#options.log(`the wounds of ${species} cannot be kept: ${(error as Error).message}`);
    }
  }

  /** A species has one job at a time: one that waits takes the wounds that have come when it begins. */
  #queue(species: string, session: string): void {
    if (this.#jobs.list().some((name) => name.endsWith(`-${species}`) && this.#isOf(name, species))) return;
    const { iterations, threads, engine, randomSeeds } = this.#options;
    const options = { iterations, threads, engine, randomSeeds };
    const nothing = { trained: [], heldOut: [] };
    const job = { format: 2, session, species, wounds: nothing, options, failures: 0 } as const;
    const { dropped } = this.#jobs.add(
      { ...job, incumbent: null, root: null, begun: '' },
      new Date().toISOString(),
    );
    if (dropped !== null) this.#options.log(`the queue is full: ${dropped} is dropped`);
  }

  #isOf(name: string, species: string): boolean {
    try {
      return this.#jobs.read(name).species === species;
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      return false; // it will be dropped when its turn comes
    }
  }

  /**
   * The first job that may go on: not one of a species whose swap is watched. A rule that may be rolled back is not tuned,
   * and ends no attempt.
   *
   * @returns null: all wait for verdicts
   */
  async firstReady(names: readonly string[]): Promise<string | null> {
    const watched = [...(await this.#options.desk.ask(watchedSpecies))];
    return names.find((name) => !watched.some((species) => this.#isOf(name, species))) ?? null;
  }

  /**
   * Puts the rule in force and the wounds beside the job. An attempt on a rule that is no longer in force ends, and begins
   * again from the one that is.
   *
   * @param promotes - a candidate is put into force at once
   * @returns null: the job was finished, and its result has been entered
   */
  async prepared(name: string, promotes: boolean): Promise<Job | null> {
    const job = this.#jobs.read(name);
    const { species } = job;
    const now = await this.#options.desk.ask((registry) => {
      const record = registry.inForce().get(species);
      if (record === undefined) return null;
      const root = rootOf(registry, record);
      const file = (one: RuleRecord): Uint8Array => registry.read(one.id).bytes;
      return { record, bytes: file(record), root, rootBytes: root.id === record.id ? null : file(root) };
    });
    if (now === null) {
      if (job.incumbent !== null) this.tell(job, 'ended', 'the species was removed');
      throw new RuleError(`${species} has no rule in force`);
    }
    const isSame = job.incumbent?.sha256 === now.record.sha256;
    const result = this.#options.candidates.resultOf(name);
    if (result !== null && isSame) {
      const record = await this.#options.candidates.enter(name, job, result, promotes);
      this.#tellResult(job, result, record);
      this.#again(job);
      return null;
    }
    if (job.incumbent !== null && !isSame) {
      const told = `${labelOf(now.record)} came into force instead of ${job.incumbent.label}`;
      this.#options.log(`${told}: the attempt at ${species} begins again from it`);
      this.tell(job, 'ended', told);
    }
    if (isSame && (this.#options.isFar || this.#wounds.of(species).fresh === 0)) return job;
    if (!isSame) {
      this.#jobs.reset(name);
      this.#jobs.giveMeasured(name, species);
      writeWhole(this.#jobs.path(name, 'incumbent'), now.bytes);
      if (now.rootBytes !== null) writeWhole(this.#jobs.path(name, 'root'), now.rootBytes);
    }
    const { trained, heldOut } = this.#wounds.of(species);
    const begun: Job = {
      ...job,
      session: trained.at(-1)?.session ?? job.session,
      wounds: { trained, heldOut },
      incumbent: known(now.record),
      root: known(now.root),
      begun: isSame ? job.begun : new Date().toISOString(),
    };
    this.#jobs.write(name, begun);
    this.#wounds.taken(species);
    return begun;
  }

  #tellResult(job: Job, result: Result, record: RuleRecord | null): void {
    const { verdict, reasons, iterations, rounds } = result;
    const outcome = verdict === 'needless' ? verdict : verdict === 'candidate' ? 'passed' : 'gave up';
    const told = reasons.join('; ') || 'it heals held-out wounds better, and nothing got worse';
    const label = record === null ? '' : labelOf(record);
    this.tell(job, outcome, told, { iterations, rounds, label });
  }

  tell(
    job: Job,
    outcome: AttemptTold['outcome'],
    told: string,
    more: Partial<Pick<AttemptTold, 'iterations' | 'rounds' | 'label'>> = {},
  ): void {
    const { done = 0, rounds = [] } = this.#options.progressOf(job) ?? {};
    this.#attempts.add({
      species: job.species,
      incumbent: job.incumbent?.label ?? '',
      label: '',
      begun: job.begun,
      ended: new Date().toISOString(),
      outcome,
      told,
      trainedWounds: job.wounds.trained.length,
      heldOutWounds: job.wounds.heldOut.length,
      iterations: done,
      rounds,
      ...more,
    });
  }

  /** Wounds came while the attempt went on without them. */
  #again({ species, session }: Job): void {
    const { fresh, needed, trained } = this.#wounds.of(species);
    if (fresh >= needed) this.#queue(species, trained.at(-1)?.session ?? session);
  }
}

const known = (record: RuleRecord): KnownRule => ({
  rule: record.id,
  label: labelOf(record),
  sha256: record.sha256,
});

/** Species whose rule in force is still being watched, and may be rolled back. */
export const watchedSpecies = (registry: Registry): Set<string> =>
  new Set(
    Array.from(registry.inForce())
      .filter(([, { swap }]) => registry.swap(swap).status === 'watched')
      .map(([species]) => species),
  );

/** The last rule of a line that was not tuned. */
function rootOf(registry: Registry, record: RuleRecord): RuleRecord {
  let root = record;
  while (root.origin === 'tuned' && root.parent !== null) root = registry.byId(root.parent);
  return root;
}
