/**
 * A learning on disk, which the server and the learning process share: one folder per drawing in
 * `<data>/nursery/jobs`. The server makes and removes folders; the process writes inside one. Every file appears by one
 * rename, so a killed process leaves the folder whole.
 *
 *   job.json             what is to be learned
 *   checkpoint.bin       the learning, every 20 s and at a pause
 *   rule.safetensors     growth.gif  card.png
 *   result.json          written last: with it, the learning is over
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RuleError } from '../rules/rule.ts';

export const JOB_FILES = {
  job: 'job.json',
  checkpoint: 'checkpoint.bin',
  rule: 'rule.safetensors',
  film: 'growth.gif',
  card: 'card.png',
  result: 'result.json',
} as const;

export const fileOf = (folder: string, file: keyof typeof JOB_FILES): string => join(folder, JOB_FILES[file]);

export interface LearnJob {
  readonly format: 1;
  readonly id: number;
  /** The name of the species, and of its rule. */
  readonly species: string;
  /** As the maker calls it. */
  readonly title: string;
  readonly maker: string;
  /** `shared/drawing/packed.ts` */
  readonly drawing: string;
  readonly threads: number;
  readonly randomSeed: number;
  /** Default: as many as a learning may have. */
  readonly maxIterations?: number;
}

export interface LearnResult {
  readonly format: 1;
  /** `weak`: it lives and misses gates. `refused`: bodies die or outgrow their picture, or nothing grew. */
  readonly outcome: 'passed' | 'weak' | 'refused';
  /** What it lacks, for people; empty: it passes. */
  readonly lacks: readonly string[];
  readonly iterations: number;
  readonly seconds: number;
  /** What the judgement measured; empty: nothing grew that could be judged. */
  readonly metrics: Readonly<Record<string, unknown>>;
}

const OUTCOMES: readonly unknown[] = ['passed', 'weak', 'refused'] satisfies LearnResult['outcome'][];

/** @throws RuleError naming the file when it is missing, not JSON, or not a job */
export function readJob(folder: string): LearnJob {
  const job = readJson(fileOf(folder, 'job')) as Partial<LearnJob> | null;
  if (
    job?.format === 1 &&
    typeof job.species === 'string' &&
    typeof job.drawing === 'string' &&
    typeof job.threads === 'number'
  )
    return job as LearnJob;
  throw new RuleError(`${fileOf(folder, 'job')} is not a learning's job`);
}

/** @returns null: the learning is not over @throws RuleError when the file is not a result */
export function readResult(folder: string): LearnResult | null {
  const result = readJson(fileOf(folder, 'result')) as Partial<LearnResult> | null;
  if (result === null) return null;
  if (result.format === 1 && OUTCOMES.includes(result.outcome) && Array.isArray(result.lacks))
    return result as LearnResult;
  throw new RuleError(`${fileOf(folder, 'result')} is not a learning's result`);
}

/** @returns null: there is none */
function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuleError(`${file} is not JSON`);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new RuleError(`${file} cannot be read: ${message}`);
  }
}
