/** The history of attempts, `<data>/tuner/attempts.json`: what each was for, and how it ended. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AttemptTold } from '../../shared/adminApi.ts';
import { writeWhole } from '../rules/load.ts';
import { RuleError } from '../rules/rule.ts';
import { readJson } from './jsonFile.ts';

/** About 1 kB each. */
const MAX_ATTEMPTS = 60;

interface File {
  readonly format: 1;
  readonly attempts: readonly AttemptTold[];
}

export class AttemptLog {
  readonly #path: string;
  readonly #log: (line: string) => void;
  #attempts: readonly AttemptTold[];

  /** @param log - gets the name of a file that cannot be read or written: the history is not needed for anything */
  constructor(dataDir: string, log: (line: string) => void) {
    this.#path = join(dataDir, 'tuner', 'attempts.json');
    this.#log = log;
    this.#attempts = this.#read();
  }

  /** Newest first. */
  get attempts(): readonly AttemptTold[] {
    return this.#attempts;
  }

  add(attempt: AttemptTold): void {
    this.#attempts = [attempt, ...this.#attempts].slice(0, MAX_ATTEMPTS);
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeWhole(this.#path, JSON.stringify({ format: 1, attempts: this.#attempts } satisfies File));
    } catch (error) {
      this.#log(`the history of attempts is not written: ${(error as Error).message}`);
    }
  }

  #read(): readonly AttemptTold[] {
    if (!existsSync(this.#path)) return [];
    try {
      return readJson(this.#path, isFile).attempts;
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      this.#log(`${error.message}: the history of attempts begins again`);
      return [];
    }
  }
}

const isFile = (value: unknown): value is File =>
  (value as Partial<File> | null)?.format === 1 && Array.isArray((value as File).attempts);
