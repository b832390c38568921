/**
 * The tuner's queue on disk: one folder per job in `<data>/tuner/jobs`, taken in the order of their names. A job is one
 * attempt to make a species heal better. The server makes and removes folders; the tuning process writes inside one. A
 * killed process leaves the queue whole: a folder appears by one rename, and so does every file in it.
 *
 *   job.json               what is to be done
 *   incumbent.safetensors  the rule in force when the attempt began
 *   root.safetensors       the last rule of its line that was not tuned; missing: the incumbent
 *   target.png             the picture that the rule must grow
 *   checkpoint.bin         the attempt, every 5 s of training, after every round and at a pause
 *   measured.json          measurements so far, of the rules above and of the newest candidate
 *   candidate.safetensors  result.json  film.png
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RoundTold } from '../../shared/adminApi.ts';
import { writeWhole } from '../rules/load.ts';
import { RuleError } from '../rules/rule.ts';
import { SPECIES_NAME } from '../sessions/record.ts';
import type { Wound } from '../world/wound.ts';
import { readJson } from './jsonFile.ts';
import type { Parts } from './wounds.ts';

export const JOB_FILES = {
  job: 'job.json',
  incumbent: 'incumbent.safetensors',
  root: 'root.safetensors',
  target: 'target.png',
  checkpoint: 'checkpoint.bin',
  measured: 'measured.json',
  candidate: 'candidate.safetensors',
  film: 'film.png',
  result: 'result.json',
} as const;

/** A job's folder takes 2 MB at most. */
export const MAX_JOBS = 32;

export interface TuneOptions {
  /** Budget of the whole attempt. */
  readonly iterations: number;
  readonly threads: number;
  readonly engine: 'wasm' | 'tfjs';
  /** Number of random seeds that rules are measured from. */
  readonly randomSeeds?: number;
}

export interface KnownRule {
  /** The rule's number in the registry. */
  readonly rule: number;
  /** "pikachu v3" */
  readonly label: string;
  readonly sha256: string;
}

export interface Job {
  readonly format: 2;
  readonly species: string;
  /** Id of the newest session that hurt the species. */
  readonly session: string;
  /** Empty until the job begins. */
  readonly wounds: Parts;
  readonly options: TuneOptions;
  /** null: the job has not begun. */
  readonly incumbent: KnownRule | null;
  readonly root: KnownRule | null;
  /** When it began, ISO 8601; empty: it has not. */
  readonly begun: string;
  /** How often the job has begun and failed. */
  readonly failures: number;
}

/** Figures for the registry, and the verdict. */
export interface Result {
  readonly format: 2;
  /** `needless`: the incumbent heals all of these wounds already. */
  readonly verdict: 'candidate' | 'rejected' | 'needless';
  /** For people: why the candidate is rejected or needless. */
  readonly reasons: readonly string[];
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly iterations: number;
  /** What each round was for, and what it led to. */
  readonly rounds: readonly RoundTold[];
}

/** Species whose measurements are kept, about 100 kB each. */
const MAX_MEASURED = 64;
const NAME = /^[a-z0-9][a-z0-9.-]{0,119}$/i;

export class Jobs {
  readonly folder: string;
  readonly #measured: string;

  /** @param dataDir - the world's data directory */
  constructor(dataDir: string) {
    this.folder = join(dataDir, 'tuner', 'jobs');
    this.#measured = join(dataDir, 'tuner', 'measured');
  }

  /** Names in the order in which the jobs run; empty without a folder. */
  list(): string[] {
    try {
      return readdirSync(this.folder)
        .filter((name) => NAME.test(name))
        .sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return [];
    }
  }

  path(name: string, file?: keyof typeof JOB_FILES): string {
    return file === undefined ? join(this.folder, name) : join(this.folder, name, JOB_FILES[file]);
  }

  /**
   * Adds a job at the end. If `MAX_JOBS` wait, the oldest that has not begun is dropped.
   *
   * @param at - when the session ended, ISO 8601
   * @returns the job's name, and that of the dropped job
   */
  add(job: Job, at: string): { readonly name: string; readonly dropped: string | null } {
    const name = `${at.replaceAll(/[^0-9]/g, '')}-${job.species}`;
    const aside = join(this.folder, `_${name}.${process.pid}.part`);
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside, { recursive: true });
    writeWhole(join(aside, JOB_FILES.job), JSON.stringify(job));
    this.remove(name);
    renameSync(aside, this.path(name));
    const names = this.list();
    if (names.length <= MAX_JOBS) return { name, dropped: null };
    // The first may be running.
    const [, dropped] = names;
    this.remove(dropped);
    return { name, dropped };
  }

  /** @throws RuleError that names the file */
  read(name: string): Job {
    return readJson<Job>(this.path(name, 'job'), isJob);
  }

  /** @returns null: it is not a job of an earlier version */
  readOld(name: string): OldJob | null {
    try {
      return readJson<OldJob>(this.path(name, 'job'), isOldJob);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      return null;
    }
  }

  write(name: string, job: Job): void {
    writeWhole(this.path(name, 'job'), JSON.stringify(job));
  }

  /** Removes all files but `job.json` and what was measured: the job begins again. */
  reset(name: string): void {
    for (const file of Object.values(JOB_FILES))
      if (file !== JOB_FILES.job && file !== JOB_FILES.measured)
        rmSync(join(this.path(name), file), { force: true });
  }

  /** Keeps what a finished job has measured for the next one of its species: of the rule in force, and of the root. */
  keepMeasured(name: string, species: string): void {
    if (!existsSync(this.path(name, 'measured'))) return;
    mkdirSync(this.#measured, { recursive: true });
    renameSync(this.path(name, 'measured'), join(this.#measured, `${species}.json`));
    const all = readdirSync(this.#measured);
    if (all.length <= MAX_MEASURED) return;
    const age = (file: string): number => statSync(join(this.#measured, file)).mtimeMs;
    const [oldest] = all.sort((a, b) => age(a) - age(b));
    rmSync(join(this.#measured, oldest), { force: true });
  }

  /** Gives a job what an earlier one of its species has measured. */
  giveMeasured(name: string, species: string): void {
    const kept = join(this.#measured, `${species}.json`);
    if (existsSync(kept) && !existsSync(this.path(name, 'measured')))
      renameSync(kept, this.path(name, 'measured'));
  }

  remove(name: string): void {
    rmSync(this.path(name), { recursive: true, force: true });
  }
}

/** What is still of use of a job of format 1. */
interface OldJob {
  readonly session: string;
  readonly species: string;
  readonly wounds: readonly Pick<Wound, 'blows'>[];
}

function isOldJob(value: unknown): value is OldJob {
  const job = value as (Partial<OldJob> & { readonly format?: unknown }) | null;
  return (
    job?.format === 1 &&
    typeof job.session === 'string' &&
    typeof job.species === 'string' &&
    SPECIES_NAME.test(job.species) &&
    Array.isArray(job.wounds) &&
    job.wounds.every((wound) => Array.isArray(wound?.blows))
  );
}

function isJob(value: unknown): value is Job {
  const job = value as Partial<Job> | null;
  return (
    typeof job === 'object' &&
    job !== null &&
    job.format === 2 &&
    typeof job.session === 'string' &&
    typeof job.species === 'string' &&
    Array.isArray(job.wounds?.trained) &&
    Array.isArray(job.wounds.heldOut)
  );
}

export function isResult(value: unknown): value is Result {
  const result = value as Partial<Result> | null;
  return (
    typeof result === 'object' && result !== null && result.format === 2 && Array.isArray(result.reasons)
  );
}
