/**
 * The log of the server process: lines for the operator, with facts for programs that read them. A line goes to
 * standard output, a warning or an error to standard error; on a terminal as text, else as JSON.
 */
import { pino } from 'pino';
import { Outlet, type OutletStream } from './outlet.ts';
import { hideTokens } from './secrets.ts';
import { textOf } from './text.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['auto', 'text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What a line is about: who, from where, which request. `error` becomes its message and stack. */
export interface Facts {
  readonly [name: string]: string | number | boolean | null | undefined | Error;
  readonly error?: Error;
}

/** Takes lines. A line that cannot be written is left out, and nobody waits for it. */
export interface Log {
  debug(text: string, facts?: Facts): void;
  info(text: string, facts?: Facts): void;
  warn(text: string, facts?: Facts): void;
  error(text: string, facts?: Facts): void;
}

/** Characters of a line's text. */
const MAX_TEXT = 8_192;
const WARN = 40;

export interface LogOptions {
  readonly level: LogLevel;
  /** `auto`: text where the stream is a terminal, else JSON. */
  readonly format: LogFormat;
  readonly out: OutletStream;
  readonly err: OutletStream;
  /** The world that all lines are of; default: there is only one. */
  readonly world?: string;
  /** Never written, whatever a line says; empty ones are ignored. */
  readonly secrets?: readonly string[];
}

export class ProcessLog implements Log {
  readonly #pino: pino.Logger;
  readonly #outlets: readonly Outlet[];

  constructor({ level, format, out, err, world, secrets = [] }: LogOptions) {
    const outlets = [new Outlet(out), new Outlet(err)] as const;
    const isText = [out, err].map(({ isTTY }) => format === 'text' || (format === 'auto' && isTTY === true));
    this.#outlets = outlets;
    const destination = {
      // pino then tells the level of the line.
      [Symbol.for('pino.metadata')]: true,
      lastLevel: 0,
      write(json: string): void {
        const at = this.lastLevel < WARN ? 0 : 1;
        const line = hideTokens(json, secrets);
        const write = (line: string): boolean => outlets[at].write(isText[at] ? textOf(line) : line);
        if (!write(line)) return;
        const untold = outlets[at].takeUntold();
        if (untold > 0) write(leftOut(untold));
      },
    };
    const options: pino.LoggerOptions = {
      level,
      base: world === undefined ? null : { world },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    };
    this.#pino = pino(options, destination);
  }

  debug(text: string, facts: Facts = {}): void {
    this.#pino.debug(facts, text.slice(0, MAX_TEXT));
  }
  info(text: string, facts: Facts = {}): void {
    this.#pino.info(facts, text.slice(0, MAX_TEXT));
  }
  warn(text: string, facts: Facts = {}): void {
    this.#pino.warn(facts, text.slice(0, MAX_TEXT));
  }
  error(text: string, facts: Facts = {}): void {
    this.#pino.error(facts, text.slice(0, MAX_TEXT));
  }

  /** Lines that were left out, because they were too many or nobody took them. */
  get dropped(): number {
    return this.#outlets.reduce((sum, { dropped }) => sum + dropped, 0);
  }
}

/** As pino would write it. */
function leftOut(lines: number): string {
  const msg = `lines of this log that were left out, because they were too many or nobody took them: ${lines}`;
  return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), msg })}\n`;
}

/** What tests and benchmarks get: warnings and errors, as text on standard error. */
export const plainLog: Log = {
  debug: () => {},
  info: () => {},
  warn: (text) => console.error(text),
  error: (text, { error } = {}) => console.error(text, ...(error === undefined ? [] : [error])),
};
