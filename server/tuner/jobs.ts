/**
 * The tuner's queue on disk: one folder per job in `<data>/tuner/jobs`, taken in the order of their names. The server
 * makes and removes folders; the tuning process writes inside one. A killed process leaves the queue whole: a folder
 * appears by one rename, and so does every file in it.
 *
 *   job.json               what is to be done
 *   incumbent.safetensors  the rule in force when the job began
 *   target.png             the picture that the rule must grow
 *   plan.json              the training plan, once it is made
 *   checkpoint.bin         training, every 30 s and at a pause
 *   measured.json          measurements of both rules so far
 *   candidate.safetensors  result.json  film.png
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../rules/load.ts';
import { RuleError } from '../rules/rule.ts';
import type { Wound } from '../world/wound.ts';

export const JOB_FILES = {
  job: 'job.json',
  incumbent: 'incumbent.safetensors',
  target: 'target.png',
  plan: 'plan.json',
  checkpoint: 'checkpoint.bin',
  measured: 'measured.json',
  candidate: 'candidate.safetensors',
  film: 'film.png',
  result: 'result.json',
} as const;

/** A waiting job's wounds take a few hundred kB at most. */
export const MAX_JOBS = 32;

export interface TuneOptions {
  /** Training time; measuring comes on top. */
  readonly seconds: number;
  readonly threads: number;
  readonly engine: 'wasm' | 'tfjs';
  /** Replaces `seconds`. */
  readonly iterations?: number;
  readonly rate?: number;
  /** Number of random seeds that both rules are measured from. */
  readonly randomSeeds?: number;
}

export interface Incumbent {
  /** The rule's number in the registry. */
  readonly rule: number;
  /** "pikachu v3" */
  readonly label: string;
  readonly sha256: string;
}

export interface Job {
  readonly format: 1;
  /** Id of the session. */
  readonly session: string;
  readonly species: string;
  readonly wounds: readonly Pick<Wound, 'blows'>[];
  readonly options: TuneOptions;
  /** null: the job has not begun. */
  readonly incumbent: Incumbent | null;
  /** How often the job has begun and failed. */
  readonly failures: number;
}

/** Figures for the registry, and the verdict. */
export interface Result {
  readonly format: 1;
  /** `needless`: the incumbent heals all of these wounds already. */
  readonly verdict: 'candidate' | 'rejected' | 'needless';
  /** For people: why the candidate is rejected or needless. */
  readonly reasons: readonly string[];
  readonly metrics: Readonly<Record<string, unknown>>;
}

const NAME = /^[a-z0-9][a-z0-9.-]{0,119}$/i;

export class Jobs {
  readonly folder: string;

  /** @param dataDir - the world's data directory */
  constructor(dataDir: string) {
    this.folder = join(dataDir, 'tuner', 'jobs');
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

  write(name: string, job: Job): void {
    writeWhole(this.path(name, 'job'), JSON.stringify(job));
  }

  /** Removes all files but `job.json`: the job begins again. */
  reset(name: string): void {
    for (const file of Object.values(JOB_FILES))
      if (file !== JOB_FILES.job) rmSync(join(this.path(name), file), { force: true });
  }

  remove(name: string): void {
    rmSync(this.path(name), { recursive: true, force: true });
  }
}

function isJob(value: unknown): value is Job {
  const job = value as Partial<Job> | null;
  return (
    typeof job === 'object' &&
    job !== null &&
    job.format === 1 &&
    typeof job.session === 'string' &&
    typeof job.species === 'string' &&
    Array.isArray(job.wounds)
  );
}

export function isResult(value: unknown): value is Result {
  const result = value as Partial<Result> | null;
  return (
    typeof result === 'object' && result !== null && result.format === 1 && Array.isArray(result.reasons)
  );
}

/** @throws RuleError naming the file when it is missing, not JSON, or not of that kind */
export function readJson<T>(file: string, isValid: (value: unknown) => value is T): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuleError(`${file} is not JSON`);
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RuleError(code === 'ENOENT' ? `${file} is missing` : `${file} cannot be read: ${message}`);
  }
  if (isValid(value)) return value;
  throw new RuleError(`${file} does not hold what its name says`);
}
