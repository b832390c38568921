/** Metrics whose values are kept elsewhere, and read when somebody asks for them. */
import { Counter, Gauge, type Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

/** What a metric is called, and what it says. */
export interface Meaning {
  readonly name: string;
  readonly help: string;
  readonly registry: Registry;
}

/** A value that rises and falls. @param read - null: not known at the moment, and left out */
export function level({ name, help, registry }: Meaning, read: () => number | null): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      const value = read();
      if (value === null) this.remove();
      else this.set(value);
    },
  });
}

/** One value for each set of labels. */
export function levels(
  { name, help, registry }: Meaning,
  labelNames: readonly string[],
  read: () => Iterable<Sample>,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of read()) this.set(labels, value);
    },
  });
}

/** A value that only rises while the process runs; its name ends in `_total`. */
export function total({ name, help, registry }: Meaning, read: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

/** One total for each set of labels. */
export function totals(
  { name, help, registry }: Meaning,
  labelNames: readonly string[],
  read: () => Iterable<Sample>,
): void {
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of read()) this.inc(labels, value);
    },
  });
}
