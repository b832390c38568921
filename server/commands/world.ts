/** `npm run world -- …`: what a data directory holds, whether it is sound, backups, and recovery after damage. */
import { existsSync } from 'node:fs';
import { dataDirOf, weightsDirOf } from '../config.ts';
import { type FlagsOf, type FlagValues, text, toggle } from '../flags.ts';
import { loadRuleFiles } from '../rules/load.ts';
import { sha256Of } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { RuleError } from '../rules/rule.ts';
import { FolderInUseError, FolderLockError, lockFolder } from '../storage/lock.ts';
import { makeBackup } from '../upkeep/backup.ts';
import { UpkeepError } from '../upkeep/copying.ts';
import { describe, overview } from '../upkeep/overview.ts';
import { planRecovery } from '../upkeep/recover.ts';
import { restoreBackup } from '../upkeep/restore.ts';
import { type Verdict, verify } from '../upkeep/verify.ts';
import { printable } from './registry.ts';
import { type Program, runMain, runProgram } from './subcommands.ts';

// biome-ignore format: one flag, one line
const GROUPS = {
  'What is printed and checked': {
    json: toggle('prints everything as JSON'),
    replay: toggle('does the journal again on the wasm engine, and compares the newest save to the bit'),
    'weights-dir': text('DIR', 'the rules that the server ships', 'REGROW_WEIGHTS_DIR, else weights'),
  },
  'What is written': {
    to: text('DIR', 'a folder that is not there yet, or one in which the backup gets a name with the date'),
    'with-token': toggle('copies the admin-token of an earlier version, too: whoever has the backup is an admin then'),
    replace: toggle('sets aside what the data directory holds, in a folder of its own within it'),
    'without-journal': toggle('goes on from the newest save alone'),
    yes: toggle('does it; without this, recover only says what it would do'),
    help: toggle('prints this'),
  },
} as const;

type Flags = FlagValues<FlagsOf<typeof GROUPS>>;

const COMMANDS: Program<typeof GROUPS>['commands'] = {
  info: {
    takes: ['[DIR]'],
    needs: [],
    flags: ['json'],
    meaning: 'prints what a data directory holds, with its server running or not',
    run: ([dir], flags) => info(dataDir(dir), flags),
  },
  verify: {
    takes: ['[DIR]'],
    needs: [],
    flags: ['json', 'replay', 'weights-dir'],
    meaning:
      'reads a data directory through: every page, every entry of the journal, every rule, every session. The exit code is 0 only if all is sound; each fault says what to do. The server may run',
    run: ([dir], flags) => check(dataDir(dir), flags),
  },
  backup: {
    takes: ['[DIR]'],
    needs: ['to'],
    flags: ['with-token', 'json'],
    meaning:
      'copies a data directory as it is at one moment, with its server running or not. The copy gets its name when it is on disk and has been verified',
    run: ([dir], flags) => backUp(dataDir(dir), flags),
  },
  restore: {
    takes: ['BACKUP', '[DIR]'],
    needs: [],
    flags: ['replace'],
    meaning: 'makes a data directory of a backup. Its server must not run',
    run: ([backup, dir], flags) => restore(backup, dataDirOf(dir), flags),
  },
  recover: {
    takes: ['[DIR]'],
    needs: [],
    flags: ['yes', 'without-journal', 'weights-dir'],
    meaning:
      'after damage: says what can be saved and what would be lost, and with --yes does it. What is unsound is set aside, never deleted. Its server must not run',
    run: ([dir], flags) => recover(dataDir(dir), flags),
  },
};

/** @throws Error whose message is all that the user reads */
export const main = (args: readonly string[]): Promise<void> =>
  runProgram(
    {
      name: 'world',
      intro:
        'Works with the data directory of a world. DIR is REGROW_DATA_DIR, else data, if it is not given.',
      groups: GROUPS,
      commands: COMMANDS,
    },
    args,
  );

/** @throws UpkeepError when it is not there */
function dataDir(told: string | undefined): string {
  const folder = dataDirOf(told);
  if (!existsSync(folder)) throw new UpkeepError(`there is no data directory ${folder}`);
  return folder;
}

async function info(folder: string, { json }: Flags): Promise<void> {
  const found = await overview(folder);
  print(json ? [JSON.stringify(found, null, 2)] : describe(found).map(printable));
}

async function check(folder: string, flags: Flags): Promise<void> {
  const verdict = await verify(folder, flags.replay ? weightsDirOf(flags['weights-dir']) : undefined);
  if (verdict.faults.length > 0) process.exitCode = 1;
  print(flags.json ? [JSON.stringify(verdict, null, 2)] : describeVerdict(folder, verdict));
}

function describeVerdict(folder: string, { faults, notes }: Verdict): string[] {
  const end = faults.length === 0 ? `${folder} is sound` : `${folder}: ${faults.length} faults`;
  return [...notes, ...faults.flatMap(({ fact, advice }) => [`FAULT ${fact}`, `      ${advice}`]), end].map(
    printable,
  );
}

async function backUp(folder: string, { to = '', 'with-token': withToken, json }: Flags): Promise<void> {
  const { path, notes } = await makeBackup({ folder, to, withToken });
  print(json ? [JSON.stringify({ path, notes })] : [...notes, `${path} is a sound backup of ${folder}`]);
}

async function restore(backup: string, folder: string, { replace }: Flags): Promise<void> {
  const { notes, aside } = await restoreBackup({ backup, folder, replaces: replace });
  const old = aside === null ? [] : [`what ${folder} held is in ${aside}`];
  print([...notes, ...old, `${folder} is the world of ${backup}`]);
}

async function recover(folder: string, flags: Flags): Promise<void> {
  const lock = lockFolder(folder, 'a recovery');
  try {
    const files = loadRuleFiles(weightsDirOf(flags['weights-dir']));
    const shipped = new Set(files.map(({ bytes }) => sha256Of(bytes)));
    const plan = await planRecovery({ folder, withoutJournal: flags['without-journal'], shipped });
    if (plan.says.length === 0) return print([`${folder}: there is nothing to recover`]);
    print(plan.says.map(printable));
    if (!flags.yes) return print(['Nothing was changed. With --yes, this is done']);
    await plan.carryOut();
    print(describeVerdict(folder, await verify(folder)));
  } finally {
    lock.release();
  }
}

const print = (lines: readonly string[]): void => {
  process.stdout.write(`${lines.join('\n')}\n`);
};

const FOR_THE_OPERATOR = [UpkeepError, RuleError, RegistryError, FolderInUseError, FolderLockError];

/** Errors of a disk have a code, and name the path. */
const isForTheOperator = (error: unknown): error is Error =>
  FOR_THE_OPERATOR.some((kind) => error instanceof kind) ||
  (error as NodeJS.ErrnoException).code !== undefined;

if (import.meta.main) await runMain(main, isForTheOperator);
