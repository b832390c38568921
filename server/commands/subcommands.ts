/**
 * A program of several commands: `npm run PROGRAM -- COMMAND WORDS --flags`. What is refused, in which words, and what
 * `--help` prints follow from a table of commands and one of flags.
 */
import {
  describeFlags,
  type FlagGroups,
  type FlagsOf,
  type FlagValues,
  flagsOf,
  parseFlags,
  readFlags,
  wrapped,
} from '../flags.ts';
import { RuleError } from '../rules/rule.ts';

export interface Command<G extends FlagGroups> {
  /** Its words, as the help shows them: `FILE`; `[DIR]` may be left out; `[FILE...]`, at the end, is any number. */
  readonly takes: readonly string[];
  /** Flags that must be given. */
  readonly needs: readonly (keyof FlagsOf<G>)[];
  /** Flags that may be given. */
  readonly flags: readonly (keyof FlagsOf<G>)[];
  /** For the help. */
  readonly meaning: string;
  run(words: readonly string[], flags: FlagValues<FlagsOf<G>>): unknown;
}

export interface Program<G extends FlagGroups> {
  /** The script of package.json. */
  readonly name: string;
  /** The first line of the help. */
  readonly intro: string;
  /** One of the flags is `help`. */
  readonly groups: G;
  readonly commands: Readonly<Record<string, Command<G>>>;
}

/** Carries out a command line. @throws RuleError with one line for each mistake; and what the command throws */
export async function runProgram<G extends FlagGroups>(
  program: Program<G>,
  args: readonly string[],
): Promise<void> {
  const { groups, commands } = program;
  const table = flagsOf(groups);
  const wrong: string[] = [];
  const { given, words } = parseFlags(table, args, wrong, { takesWords: true });
  if (given.help) {
    process.stdout.write(helpOf(program));
    return;
  }
  refuseIf(wrong);
  const [word = 'nothing', ...rest] = words;
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (!command) throw new RuleError(`${word} is not a command: ${Object.keys(commands).join(', ')}, --help`);
  const { takes, needs } = command;
  const least = takes.filter((one) => !one.startsWith('[')).length;
  const most = takes.at(-1)?.endsWith('...]') ? Number.POSITIVE_INFINITY : takes.length;
  if (rest.length < least || rest.length > most)
    throw new RuleError(`${word} takes ${takes.length === 0 ? 'no argument' : takes.join(' ')}`);
  const known: readonly PropertyKey[] = [...needs, ...command.flags];
  const unknown = Object.keys(given).find((flag) => !known.includes(flag));
  if (unknown !== undefined) throw new RuleError(`${word} does not know --${unknown}`);
  const flags = readFlags(table, given, wrong);
  for (const flag of needs) if (given[flag] === undefined) wrong.push(`--${String(flag)} is missing`);
  refuseIf(wrong);
  await command.run(rest, flags);
}

function refuseIf(wrong: readonly string[]): void {
  if (wrong.length > 0) throw new RuleError(wrong.join('\n'));
}

function helpOf<G extends FlagGroups>({ name, intro, groups, commands }: Program<G>): string {
  const table = flagsOf(groups);
  const shown = (flag: keyof FlagsOf<G>): string => `--${String(flag)} ${table[flag].placeholder}`.trimEnd();
  const usageOf = ([word, { takes, needs, flags, meaning }]: [string, Command<G>]): string => {
    const optional = flags.map((flag) => `[${shown(flag)}]`);
    const usage = [`  npm run ${name} -- ${word}`, ...takes, ...needs.map(shown), ...optional].join(' ');
    return `${wrapped(usage, 20)}\n${wrapped(`      ${meaning}`, 6)}`;
  };
  return `${intro}\n\n${Object.entries(commands).map(usageOf).join('\n')}\n\n${describeFlags(groups)}\n`;
}

/**
 * Runs a program's `main` with the arguments of the process.
 *
 * @param isForTheOperator - its message is all that is printed; other errors are bugs and pass on
 */
export async function runMain(
  main: (args: readonly string[]) => Promise<void>,
  isForTheOperator: (error: unknown) => error is Error,
): Promise<void> {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    if (!isForTheOperator(error)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
