/**
 * The flags of a command. Each command has one table of them; how they are read, what values are allowed, what errors
 * say and what `--help` prints all follow from it.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { RuleError } from '../rules/rule.ts';

/** One flag, and how it is read. `T` is the type of its value. */
export interface Flag<T> {
  /** Stands for the value in the help, as in `--out FILE`; empty: the flag takes no value. */
  readonly placeholder: string;
  readonly meaning: string;
  /** The allowed values, as errors name them: "a whole number from 2 to 64". */
  readonly expected: string;
  /** The allowed values, as the help shows them: "2..64"; empty: any text. */
  readonly range: string;
  /** The value when the flag is not given. */
  readonly fallback: T;
  /** `fallback` as the help shows it; empty: not shown. */
  readonly standard: string;
  /** @returns null when the value is not allowed */
  read(text: string): T | null;
}

export type FlagTable = Readonly<Record<string, Flag<unknown>>>;
export type FlagValues<T extends FlagTable> = {
  readonly [F in keyof T]: T[F] extends Flag<infer V> ? V : never;
};
/** What the user wrote: the text of each flag that was given, true for one without a value. */
export type GivenFlags<T extends FlagTable> = { readonly [F in keyof T]?: string | boolean };

// --- kinds of flags ---

/** A flag without a value. */
export const toggle = (meaning: string): Flag<boolean> => ({
  placeholder: '',
  meaning,
  expected: '',
  range: '',
  fallback: false,
  standard: '',
  read: () => true,
});

/** Any text. @param standard - what the command uses without it, for the help */
export const text = (placeholder: string, meaning: string, standard = ''): Flag<string | undefined> => ({
  placeholder,
  meaning,
  expected: 'a text',
  range: '',
  fallback: undefined,
  standard,
  read: (given) => given,
});

/** One of the choices. */
export const choice = <V extends string, F extends V | undefined>(
  choices: readonly V[],
  fallback: F,
  meaning: string,
): Flag<V | F> => ({
  placeholder: 'NAME',
  meaning,
  expected: choices.join(' or '),
  range: choices.join(' | '),
  fallback,
  standard: fallback ?? '',
  read: (given) => choices.find((one) => one === given) ?? null,
});

/** Some of the choices, with commas between them, each as often as wanted; or `none`. */
export function list<V extends string>(
  choices: readonly V[],
  fallback: readonly V[],
  meaning: string,
): Flag<readonly V[]> {
  const read = (given: string): readonly V[] | null => {
    const words = given === 'none' ? [] : given.split(',');
    const known = words.flatMap((word) => choices.find((one) => one === word) ?? []);
    return known.length === words.length ? known : null;
  };
  const all = choices.join(',');
  return {
    placeholder: 'LIST',
    meaning,
    expected: `none or a list from ${all}`,
    range: `none, or a list from ${all}`,
    fallback,
    standard: showList(fallback),
    read,
  };
}

/** The words as the text that `list` reads. */
export const showList = (words: readonly string[]): string => (words.length === 0 ? 'none' : words.join(','));

export const whole = <F extends number | undefined>(
  min: number,
  max: number,
  fallback: F,
  meaning: string,
  standard?: string,
): Flag<number | F> => number(1, 'a whole number', min, max, fallback, meaning, standard);

export const multipleOf = (
  step: number,
  min: number,
  max: number,
  fallback: number,
  meaning: string,
): Flag<number> => number(step, `a multiple of ${step}`, min, max, fallback, meaning);

export const real = <F extends number | undefined>(
  min: number,
  max: number,
  fallback: F,
  meaning: string,
  standard?: string,
): Flag<number | F> => number(0, 'a number', min, max, fallback, meaning, standard);

/** @param step - allowed values are multiples of this; 0: all values in the range are allowed */
function number<F extends number | undefined>(
  step: number,
  what: string,
  min: number,
  max: number,
  fallback: F,
  meaning: string,
  standard = fallback === undefined ? '' : String(fallback),
): Flag<number | F> {
  const read = (given: string): number | null => {
    const value = given.trim() === '' ? Number.NaN : Number(given);
    return value >= min && value <= max && (step === 0 || value % step === 0) ? value : null;
  };
  return {
    placeholder: step === 0 ? 'X' : 'N',
    meaning,
    expected: `${what} from ${min} to ${max}`,
    range: `${min}..${max}${step > 1 ? ` by ${step}` : ''}`,
    fallback,
    standard,
    read,
  };
}

// --- reading ---

/** @throws RuleError on a flag that the table lacks, a missing value, and words that the command does not take */
export function parseFlags<T extends FlagTable>(
  table: T,
  args: readonly string[],
  { takesWords }: { readonly takesWords: boolean },
): { readonly given: GivenFlags<T>; readonly words: readonly string[] } {
  const options: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    Object.entries(table).map(([name, { placeholder }]) => [
      name,
      { type: placeholder === '' ? 'boolean' : 'string' },
    ]),
  );
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: takesWords });
    return { given: parsed.values as GivenFlags<T>, words: parsed.positionals };
  } catch (error) {
    if (!isParseError(error)) throw error;
    throw new RuleError(error.message.replaceAll(/\s+/g, ' '));
  }
}

const isParseError = (error: unknown): error is Error =>
  error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS_');

/** @param wrong - gets one line for each value that is not allowed; such a flag has its default then */
export function readFlags<T extends FlagTable>(
  table: T,
  given: GivenFlags<T>,
  wrong: string[],
): FlagValues<T> {
  const read = ([name, flag]: [string, Flag<unknown>]): [string, unknown] => {
    const said = given[name];
    if (said === undefined) return [name, flag.fallback];
    const value = flag.read(String(said));
    if (value === null) wrong.push(`--${name} ${said} is not ${flag.expected}`);
    return [name, value ?? flag.fallback];
  };
  return Object.fromEntries(Object.entries(table).map(read)) as FlagValues<T>;
}

// --- the help ---

const LINE = 118;

/** Title → flags, in the order of the help. */
export function describeFlags(groups: Readonly<Record<string, FlagTable>>): string {
  const nameOf = (name: string, flag: Flag<unknown>): string => `  --${name} ${flag.placeholder}`.trimEnd();
  const names = Object.values(groups).flatMap((table) =>
    Object.entries(table).map((entry) => nameOf(...entry)),
  );
  const indent = 2 + Math.max(...names.map((name) => name.length));
  return Object.entries(groups)
    .map(([title, table]) => {
      const rows = Object.entries(table).map(([name, flag]) =>
        wrapped(nameOf(name, flag).padEnd(indent) + meaningOf(flag), indent),
      );
      return [title, ...rows].join('\n');
    })
    .join('\n');
}

function meaningOf({ meaning, range, standard }: Flag<unknown>): string {
  const facts = [range, standard && `default: ${standard}`].filter((fact) => fact !== '');
  return facts.length === 0 ? meaning : `${meaning} [${facts.join('; ')}]`;
}

/** Breaks a line before column 118. @param indent - spaces before each line but the first */
export function wrapped(line: string, indent: number): string {
  if (line.length <= LINE) return line;
  const space = line.lastIndexOf(' ', LINE);
  // A word that is longer than a line stays whole.
  const at = space > indent ? space : line.indexOf(' ', Math.max(indent, LINE));
  if (at < 0) return line;
  return `${line.slice(0, at).trimEnd()}\n${wrapped(' '.repeat(indent) + line.slice(at + 1), indent)}`;
}
