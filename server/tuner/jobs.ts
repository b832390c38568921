/**
 * The tuner's queue on disk: a folder a job in `<data>/tuner/jobs`, taken in the order of their names. The server
 * makes and removes them; the process that tunes writes inside one. Whatever is killed, and when, the queue is whole:
 * a folder appears by one rename, and every file in it by another.
 *
 *   job.json               what is to be done
 *   incumbent.safetensors  the rule in force when it was begun
 *   target.png             the picture that it shall grow
 *   plan.json              how it is trained, once that is decided
 *   checkpoint.bin         training, every half a minute and at a pause
 *   measured.json          what has been measured so far, of both rules
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

/** A waiting session's wounds are a few hundred kB at most. */
export const MAX_JOBS = 32;

export interface TuneOptions {
  /** Of training; measuring comes on top. */
  readonly seconds: number;
  readonly threads: number;
  readonly engine: 'wasm' | 'tfjs';
  /** Instead of as many as fit into the seconds. */
  readonly iterations?: number;
  readonly rate?: number;
  /** Both rules are measured from so many. */
  readonly randomSeeds?: number;
}

export interface Incumbent {
  /** In the registry. */
  readonly rule: number;
  /** "pikachu v3" */
  readonly label: string;
  readonly sha256: string;
}

export interface Job {
  readonly format: 1;
  /** Of the session. */
  readonly session: string;
  readonly species: string;
  readonly wounds: readonly Pick<Wound, 'blows'>[];
  readonly options: TuneOptions;
  /** null until it is begun. */
  readonly incumbent: Incumbent | null;
  /** Times that it has been begun and has come to nothing. */
  readonly failures: number;
}

/** Figures for the registry, and the verdict. */
export interface Result {
  readonly format: 1;
  /** `needless`: the incumbent heals all of it already. */
  readonly verdict: 'candidate' | 'rejected' | 'needless';
  /** For people: why it is rejected or needless. */
  readonly reasons: readonly string[];
  readonly metrics: Readonly<Record<string, unknown>>;
}

const NAME = /^[a-z0-9][a-z0-9.-]{0,119}$/i;

export class Jobs {
  readonly folder: string;

  /** @param dataDir - the world's */
  constructor(dataDir: string) {
    this.folder = join(dataDir, 'tuner', 'jobs');
  }

  /** Names, the next first. None when there is no folder yet. */
  list(): string[] {
    try {
      return readdirSync(this.folder)
        .filter((name) => NAME.test(name))
        .sort();
    } catch {
      return [];
    }
  }

  path(name: string, file?: keyof typeof JOB_FILES): string {
    return file === undefined ? join(this.folder, name) : join(this.folder, name, JOB_FILES[file]);
  }

  /**
   * Adds a job at the end. Of more than 32 the oldest that has not begun is dropped.
   *
   * @param at - when the session ended, ISO 8601
   * @returns its name, and that of the job that was dropped for it
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
    // The first may be under way.
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

  /** Everything but what is to be done: it begins again. */
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

/** @throws RuleError that names the file, when it is missing, no JSON, or not of that kind */
export function readJson<T>(file: string, isValid: (value: unknown) => value is T): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new RuleError(`${file} ${missing ? 'is missing' : 'is no JSON'}`);
  }
  if (isValid(value)) return value;
  throw new RuleError(`${file} is not what its name says`);
}
