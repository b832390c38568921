/** Results of finished jobs: candidates in the registry, each with a film, until an admin promotes or rejects them. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Actor, labelOf, type RuleRecord, sha256Of } from '../rules/registry.ts';
import { RuleError } from '../rules/rule.ts';
import type { SwapDesk, SwapResult } from '../swaps/swapDesk.ts';
import { isResult, type Job, type Jobs, type Result } from './jobs.ts';
import { readJson } from './jsonFile.ts';

/** Largest number of films kept, about 100 kB each. */
const MAX_FILMS = 48;
const SELF: Actor = { who: 'the tuner', address: '' };

export class Candidates {
  readonly #desk: Pick<SwapDesk, 'ask' | 'swap'>;
  readonly #jobs: Jobs;
  readonly #films: string;
  readonly #log: (line: string) => void;

  /** @param log - gets what the operator should read */
  constructor(
    desk: Pick<SwapDesk, 'ask' | 'swap'>,
    jobs: Jobs,
    dataDir: string,
    log: (line: string) => void,
  ) {
    this.#desk = desk;
    this.#jobs = jobs;
    this.#films = join(dataDir, 'tuner', 'films');
    this.#log = log;
  }

  /** @returns null when the job is not finished */
  resultOf(name: string): Result | null {
    try {
      return readJson(this.#jobs.path(name, 'result'), isResult);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      return null; // missing or incomplete: the job makes it again
    }
  }

  /**
   * Puts a finished job's rule into the registry and removes the job.
   *
   * @param promotes - a candidate is put into force at once
   * @returns the rule; null: the result has none
   */
  async enter(name: string, job: Job, result: Result, promotes: boolean): Promise<RuleRecord | null> {
    if (result.verdict === 'needless') {
      this.#log(result.reasons.join('; '));
      this.#jobs.remove(name);
      return null;
    }
    const bytes = readFileSync(this.#jobs.path(name, 'candidate'));
    const record = await this.#desk.ask((registry) => {
      const known = registry.bySha256(sha256Of(bytes));
      if (known !== null) return known;
      const { reasons } = result;
      const status = result.verdict === 'candidate' ? 'candidate' : 'rejected';
      const metrics = { ...result.metrics, reasons };
      const parent = job.incumbent?.rule;
      return registry.add({ bytes, origin: 'tuned', status, parent, metrics }, SELF);
    });
    this.#keepFilm(name, record.id);
    this.#jobs.keepMeasured(name, job.species);
    this.#jobs.remove(name);
    this.#log(`${labelOf(record)} is a ${record.status === 'candidate' ? 'candidate' : 'rejected one'}`);
    if (record.status === 'candidate' && promotes) await this.#promoteByItself(record);
    return record;
  }

  async #promoteByItself(record: RuleRecord): Promise<void> {
    try {
      const result = await this.promote(record.id, SELF);
      if (!result.ok) this.#log(`${labelOf(record)} is not swapped in: ${result.reason}`);
    } catch (error) {
      this.#log(`${labelOf(record)} is not swapped in: ${(error as Error).message}`);
    }
  }

  #keepFilm(name: string, rule: number): void {
    try {
      mkdirSync(this.#films, { recursive: true });
      renameSync(this.#jobs.path(name, 'film'), this.#filmPath(rule));
      const films = readdirSync(this.#films).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
      for (const old of films.slice(0, -MAX_FILMS)) rmSync(join(this.#films, old), { force: true });
    } catch (error) {
      this.#log(`the film of rule ${rule} is lost: ${(error as Error).message}`);
    }
  }

  #filmPath(rule: number): string {
    return join(this.#films, `${rule}.png`);
  }

  /** PNG of both rules healing one held-out wound; null: no film of it is kept. */
  film(rule: number): Buffer | null {
    try {
      return readFileSync(this.#filmPath(rule));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return null;
    }
  }

  /**
   * Swaps a candidate in for its whole species; like any rule it is probed, watched, and may be rolled back.
   *
   * @throws RuleError, RegistryError
   */
  async promote(rule: number, actor: Actor): Promise<SwapResult> {
    const { name, metrics } = await this.#candidate(rule);
    const result = await this.#desk.swap({ species: name, rule, scope: 'species' }, actor);
    if (result.ok) await this.#desk.ask((registry) => registry.judge(rule, 'ready', metrics, actor));
    return result;
  }

  /** @throws RuleError, RegistryError */
  async reject(rule: number, actor: Actor): Promise<void> {
    const { metrics } = await this.#candidate(rule);
    const reasons = [`rejected by ${actor.who}`];
    await this.#desk.ask((registry) => registry.judge(rule, 'rejected', { ...metrics, reasons }, actor));
  }

  async #candidate(rule: number): Promise<RuleRecord> {
    const record = await this.#desk.ask((registry) => registry.byId(rule));
    if (record.origin === 'tuned' && record.status === 'candidate') return record;
    throw new RuleError(`${labelOf(record)} is not a candidate: it is ${record.origin}, ${record.status}`);
  }
}
