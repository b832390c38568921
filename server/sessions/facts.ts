/** Checks JSON from outside, fact by fact: the error names the first fact that is wrong. */
import { isWhole } from '../../shared/numbers.ts';

/** Names the place and the fact: `wounds[3].blows[0].radius is -1, expected 0.5..24`. */
export class FactError extends Error {
  override name = 'FactError';
}

export class Facts {
  readonly #path: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  /**
   * @param known - the only fields allowed; one that ends in `?` may be missing
   * @param path - the object's place; empty: the whole document
   * @throws FactError when it is not an object, lacks a field or has an unknown one
   */
  constructor(value: unknown, known: readonly string[], path = '') {
    this.#path = path;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new FactError(`${path || 'the whole'} is ${shown(value)}, expected an object`);
    this.#fields = value as Record<string, unknown>;
    for (const field of known)
      if (!field.endsWith('?') && !Object.hasOwn(value, field))
        throw new FactError(`${this.at(field)} is missing`);
    for (const field of Object.keys(value))
      if (!known.includes(field) && !known.includes(`${field}?`))
        throw new FactError(`${this.at(field)} is not known`);
  }

  at(field: string): string {
    return this.#path === '' ? field : `${this.#path}.${field}`;
  }

  has(field: string): boolean {
    return Object.hasOwn(this.#fields, field);
  }

  /** The value itself, unchecked. */
  value(field: string): unknown {
    return this.#fields[field];
  }

  isNull(field: string): boolean {
    return this.#fields[field] === null;
  }

  number(field: string, least: number, most: number): number {
    return numberOf(this.#fields[field], least, most, this.at(field));
  }

  whole(field: string, least: number, most: number): number {
    return wholeOf(this.#fields[field], least, most, this.at(field));
  }

  oneOf<T>(field: string, choices: readonly T[]): T {
    const found = choices.find((choice) => choice === this.#fields[field]);
    if (found === undefined)
      throw new FactError(
        `${this.at(field)} is ${shown(this.#fields[field])}, expected ${choices.join(', ')}`,
      );
    return found;
  }

  /** @param what - the pattern in words, for the error */
  text(field: string, pattern: RegExp, what: string): string {
    const value = this.#fields[field];
    if (typeof value !== 'string' || !pattern.test(value))
      throw new FactError(`${this.at(field)} is ${shown(value)}, expected ${what}`);
    return value;
  }

  /** ISO 8601 in UTC with milliseconds, as `Date.toISOString` writes it. */
  time(field: string): string {
    const value = this.#fields[field];
    const date = typeof value === 'string' ? new Date(value) : null;
    if (date === null || Number.isNaN(date.getTime()) || date.toISOString() !== value)
      throw new FactError(
        `${this.at(field)} is ${shown(value)}, expected a time like 2026-11-25T02:10:00.123Z`,
      );
    return date.toISOString();
  }

  list<T>(field: string, fewest: number, most: number, read: (value: unknown, path: string) => T): T[] {
    const here = this.at(field);
    return this.#listed(field, fewest, most).map((entry, i) => read(entry, `${here}[${i}]`));
  }

  /** A list may hold millions of numbers: a place is put into words only for an error. */
  wholes(field: string, fewest: number, most: number, least: number, greatest: number): number[] {
    const values = this.#listed(field, fewest, most);
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (!isWhole(value, least, greatest)) wholeOf(value, least, greatest, `${this.at(field)}[${i}]`);
    }
    return values as number[];
  }

  #listed(field: string, fewest: number, most: number): unknown[] {
    const value = this.#fields[field];
    if (!Array.isArray(value)) throw new FactError(`${this.at(field)} is ${shown(value)}, expected a list`);
    if (value.length < fewest || value.length > most)
      throw new FactError(`${this.at(field)} has ${value.length} entries, expected ${fewest}..${most}`);
    return value;
  }
}

/** @throws FactError when it is not a number from `least` to `most` */
export function numberOf(value: unknown, least: number, most: number, path: string): number {
  // Written so that NaN fails.
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new FactError(`${path} is ${shown(value)}, expected ${least}..${most}`);
}

/** @throws FactError when it is not a whole number from `least` to `most` */
export function wholeOf(value: unknown, least: number, most: number, path: string): number {
  if (Number.isInteger(value)) return numberOf(value, least, most, path);
  throw new FactError(`${path} is ${shown(value)}, expected a whole number ${least}..${most}`);
}

/** A value from outside, shortened for messages. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return (JSON.stringify(value) ?? String(value)).slice(0, 64);
}
