/** What a job has measured so far, of both rules: kept in its folder, so that nothing is measured twice. */
import { existsSync } from 'node:fs';
import { writeWhole } from '../rules/load.ts';
import type { Measured } from './compare.ts';
import type { Healing } from './heal.ts';
import { readJson } from './jobs.ts';

interface Parts {
  readonly heldOutBefore?: Healing;
  readonly suiteBefore?: Measured['suite'];
  readonly heldOutAfter?: Healing;
  readonly suiteAfter?: Measured['suite'];
}

export class Measurements {
  readonly #file: string;
  #parts: Parts;

  /** @param log - is told of a file that cannot be read: all is measured again */
  constructor(file: string, log: (line: string) => void) {
    this.#file = file;
    this.#parts = read(file, log);
  }

  /** Measured once, and kept. */
  async once<K extends keyof Parts>(
    name: K,
    measure: () => Promise<NonNullable<Parts[K]>>,
  ): Promise<NonNullable<Parts[K]>> {
    const known = this.#parts[name];
    if (known !== undefined) return known as NonNullable<Parts[K]>;
    const measured = await measure();
    this.#keep({ ...this.#parts, [name]: measured });
    return measured;
  }

  /** What was measured of the candidate, which will be another. */
  forgetCandidate(): void {
    const { heldOutBefore, suiteBefore } = this.#parts;
    this.#keep({ heldOutBefore, suiteBefore });
  }

  #keep(parts: Parts): void {
    this.#parts = parts;
    // NaN, of a body that is gone, is no JSON; as null it would pass for a number.
    writeWhole(
      this.#file,
      JSON.stringify(parts, (_, value) => (Number.isNaN(value) ? 'NaN' : value)),
    );
  }
}

function read(file: string, log: (line: string) => void): Parts {
  if (!existsSync(file)) return {};
  try {
    const parts = readJson(file, (value): value is Parts => typeof value === 'object' && value !== null);
    const revived = JSON.stringify(parts);
    return JSON.parse(revived, (_, value) => (value === 'NaN' ? Number.NaN : value));
  } catch (error) {
    log(`${(error as Error).message}: it is measured again`);
    return {};
  }
}
