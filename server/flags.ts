/**
 * The flags of the server and of each command. Each program has one table of them; how they are read, what values are
 * allowed, what errors say and what `--help` prints all follow from it.
 */

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

/** Title → flags, in the order of the help. */
export type FlagGroups = Readonly<Record<string, FlagTable>>;
type AllOf<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer A) => void ? A : never;
/** The flags of all groups. */
export type FlagsOf<G extends FlagGroups> = AllOf<G[keyof G]> & FlagTable;

/** One table of all groups. No flag may be in two of them. */
export const flagsOf = <G extends FlagGroups>(groups: G): FlagsOf<G> =>
  Object.assign({}, ...Object.values(groups)) as FlagsOf<G>;

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

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

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
    const value = DECIMAL.test(given) ? Number(given) : Number.NaN;
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

/** What a program was called with. */
export interface CommandLine<T extends FlagTable> {
  readonly given: GivenFlags<T>;
  readonly words: readonly string[];
}

/**
 * Splits a command line by its table: `--out FILE` or `--out=FILE`, and words; after `--` all are words.
 *
 * @param args - without the program and the script
 * @param wrong - gets one line for each flag that the table lacks or that is given twice, each missing value, and each
 *   word where none are taken
 */
export function parseFlags<T extends FlagTable>(
  table: T,
  args: readonly string[],
  wrong: string[],
  { takesWords = false }: { readonly takesWords?: boolean } = {},
): CommandLine<T> {
  const given: Record<string, string | boolean> = {};
  const words: string[] = [];
  const isFlag = (arg: string | undefined): boolean => arg?.startsWith('--') ?? true;
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--' && takesWords) {
      words.push(...args.slice(i + 1));
      break;
    }
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(args[i]) ?? [];
    if (name === undefined && takesWords && !/^-./.test(args[i])) {
      words.push(args[i]);
      continue;
    }
    if (name === undefined || !Object.hasOwn(table, name)) {
      wrong.push(`${args[i]}: no such flag (see --help)`);
      // Skips its value, which is not a second mistake.
      if (name !== undefined && inline === undefined && !takesWords && !isFlag(args[i + 1])) i++;
      continue;
    }
    const takesValue = table[name].placeholder !== '';
    const value = inline ?? (takesValue && !isFlag(args[i + 1]) ? args[++i] : undefined);
    if (Object.hasOwn(given, name)) wrong.push(`--${name}: given twice`);
    else if (!takesValue && value !== undefined) wrong.push(`--${name}: takes no value`);
    else if (takesValue && value === undefined) wrong.push(`--${name}: a value is missing`);
    else given[name] = value ?? true;
  }
  return { given: given as GivenFlags<T>, words };
}

/** @param wrong - gets one line for each value that is not allowed; such a flag has its default then */
export function readFlags<T extends FlagTable>(
  table: T,
  given: GivenFlags<T>,
  wrong: string[],
): FlagValues<T> {
  const read = ([name, flag]: [string, Flag<unknown>]): [string, unknown] => {
    const said = given[name];
    return [
      name,
      said === undefined ? flag.fallback : readFlag(flag, String(said), `--${name} ${said}`, wrong),
    ];
  };
  return Object.fromEntries(Object.entries(table).map(read)) as FlagValues<T>;
}

/**
 * @param shown - what was given and where, as the error names it: "--port 99999"
 * @param wrong - gets a line when the value is not allowed
 * @returns the value, or the flag's default when it is not allowed
 */
export function readFlag<T>(flag: Flag<T>, said: string, shown: string, wrong: string[]): T {
  const value = flag.read(said);
  if (value === null) wrong.push(`${shown} is not ${flag.expected}`);
  return value ?? flag.fallback;
}

// --- the help ---

const LINE = 118;

export function describeFlags(groups: FlagGroups): string {
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
