/**
 * `npm run world -- …`: what a data directory or a store holds of a world, whether it is sound, backups, and recovery
 * after damage.
 */
import { existsSync } from 'node:fs';
import { dataDirOf, storeOf, weightsDirOf } from '../config.ts';
import { type FlagsOf, type FlagValues, text, toggle } from '../flags.ts';
import { loadRuleFiles } from '../rules/load.ts';
import { sha256Of } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { RuleError } from '../rules/rule.ts';
import { FolderInUseError, FolderLockError, lockFolder } from '../storage/lock.ts';
import type { StoreConfig } from '../store/settings.ts';
import { folderSource, makeBackup } from '../upkeep/backup.ts';
import { UpkeepError } from '../upkeep/copying.ts';
import { describe, overview } from '../upkeep/overview.ts';
import { planRecovery } from '../upkeep/recover.ts';
import { restoreBackup } from '../upkeep/restore.ts';
import { type Verdict, verify } from '../upkeep/verify.ts';
import { printable } from './registry.ts';
import { type Program, runMain, runProgram } from './subcommands.ts';
import { isOfTheStore, WORLD_FLAGS } from './worldOf.ts';

const STORE_FLAGS = ['store', 'blobs', 'world'] as const;

// biome-ignore format: one flag, one line
const GROUPS = {
  'Where the world is': {
    store: WORLD_FLAGS.store,
    blobs: WORLD_FLAGS.blobs,
    world: WORLD_FLAGS.world,
  },
  'What is printed and checked': {
    json: toggle('prints everything as JSON'),
    replay: toggle('does the journal again on the wasm engine, and compares the newest save to the bit'),
    'weights-dir': text('DIR', 'the rules that the server ships', 'REGROW_WEIGHTS_DIR, else weights'),
  },
  'What is written': {
    to: text('DIR', 'a folder that is not there yet, or one in which the backup gets a name with the date'),
    'with-token': toggle('copies the admin-token of an earlier version, too: whoever has the backup is an admin then'),
    replace: toggle('sets aside what the data directory holds, in a folder of its own within it; what a store holds gets another name in it'),
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
    flags: ['json', ...STORE_FLAGS],
    meaning: 'prints what a data directory or a store holds of a world, with its server running or not',
    run: ([dir], flags) => info(placeOf(dir, flags), flags),
  },
  verify: {
    takes: ['[DIR]'],
    needs: [],
    flags: ['json', 'replay', 'weights-dir', ...STORE_FLAGS],
    meaning:
      'reads a world through: every page, every entry of the journal, every rule, every session. The exit code is 0 only if all is sound; each fault says what to do. The server may run',
    run: ([dir], flags) => check(placeOf(dir, flags), flags),
  },
  backup: {
    takes: ['[DIR]'],
    needs: ['to'],
    flags: ['with-token', 'json', ...STORE_FLAGS],
    meaning:
      'copies a world as it is at one moment, with its server running or not. The copy gets its name when it is on disk and has been verified',
    run: ([dir], flags) => backUp(placeOf(dir, flags), flags),
  },
  restore: {
    takes: ['BACKUP', '[DIR]'],
    needs: [],
    flags: ['replace', ...STORE_FLAGS],
    meaning:
      'makes a data directory, or a world in a store, of a backup, whichever it was made of. Its server must not run',
    run: ([backup, dir], flags) => restore(backup, storeFor(dir, flags) ?? dataDirOf(dir), flags),
  },
  recover: {
    takes: ['[DIR]'],
    needs: [],
    flags: ['yes', 'without-journal', 'weights-dir', ...STORE_FLAGS],
    meaning:
      'after damage: says what can be saved and what would be lost, and with --yes does it. What is unsound is set aside, never deleted. Its server must not run',
    run: async ([dir], flags) => recover(await onlyFolder(dir, flags), flags),
  },
};

/** @throws Error whose message is all that the user reads */
export const main = (args: readonly string[]): Promise<void> =>
  runProgram(
    {
      name: 'world',
      intro:
        'Works with the data directory of a world, or, with --store, with a world in a store. Without either, it is the store of REGROW_STORE, else the data directory REGROW_DATA_DIR, else data.',
      groups: GROUPS,
      commands: COMMANDS,
    },
    args,
  );

/** A data directory, or a world in a store. */
type Place = string | StoreConfig;

/** @returns null: it is in a data directory @throws UpkeepError when both are told */
function storeFor(dir: string | undefined, flags: Flags): StoreConfig | null {
  if (dir !== undefined && STORE_FLAGS.some((flag) => flags[flag] !== undefined))
    throw new UpkeepError(`the world is in ${dir} or in a store: give one of them`);
  return storeOf({ ...flags, 'data-dir': dir });
}

/** @throws UpkeepError when it is not there */
const placeOf = (dir: string | undefined, flags: Flags): Place => storeFor(dir, flags) ?? dataDir(dir);

/** @throws UpkeepError when it is not there */
function dataDir(told: string | undefined): string {
  const folder = dataDirOf(told);
  if (!existsSync(folder)) throw new UpkeepError(`there is no data directory ${folder}`);
  return folder;
}

/** @throws UpkeepError when it is in a store */
async function onlyFolder(dir: string | undefined, flags: Flags): Promise<string> {
  if (storeFor(dir, flags) === null) return dataDir(dir);
  const { RECOVER_REFUSAL } = await stored();
  throw new UpkeepError(`${RECOVER_REFUSAL}. A start falls back on the save before; else restore a backup`);
}

/** Nothing of a store is loaded without one. */
const stored = () => import('../upkeep/storedWorld.ts');

async function nameOf(place: Place): Promise<string> {
  return typeof place === 'string' ? place : (await stored()).placeOf(place);
}

async function info(place: Place, { json }: Flags): Promise<void> {
  const found =
    typeof place === 'string' ? await overview(place) : await (await stored()).storedOverview(place);
  print(json ? [JSON.stringify(found, null, 2)] : describe(found).map(printable));
}

async function check(place: Place, flags: Flags): Promise<void> {
  const weightsDir = flags.replay ? weightsDirOf(flags['weights-dir']) : undefined;
  const verdict =
    typeof place === 'string'
      ? await verify(place, weightsDir)
      : await (await stored()).verifyStored(place, weightsDir);
  if (verdict.faults.length > 0) process.exitCode = 1;
  print(flags.json ? [JSON.stringify(verdict, null, 2)] : describeVerdict(await nameOf(place), verdict));
}

function describeVerdict(folder: string, { faults, notes }: Verdict): string[] {
  const end = faults.length === 0 ? `${folder} is sound` : `${folder}: ${faults.length} faults`;
  return [...notes, ...faults.flatMap(({ fact, advice }) => [`FAULT ${fact}`, `      ${advice}`]), end].map(
    printable,
  );
}

async function backUp(place: Place, { to = '', 'with-token': withToken, json }: Flags): Promise<void> {
  if (typeof place !== 'string' && withToken)
    throw new UpkeepError('--with-token is for data directories: a store has no file with a token');
  const source =
    typeof place === 'string' ? folderSource(place, withToken) : (await stored()).storedSource(place);
  const { path, notes } = await makeBackup({ source, to });
  const sound = `${path} is a sound backup of ${await nameOf(place)}`;
  print(json ? [JSON.stringify({ path, notes })] : [...notes, sound]);
}

async function restore(backup: string, place: Place, { replace }: Flags): Promise<void> {
  const made = `${await nameOf(place)} is the world of ${backup}`;
  if (typeof place !== 'string') {
    const { notes, aside } = await (await stored()).restoreToStore(backup, place, replace);
    const old = aside === null ? [] : [`what was there is the world ${aside} of the store`];
    return print([...notes, ...old, made]);
  }
  const { notes, aside } = await restoreBackup({ backup, folder: place, replaces: replace });
  const old = aside === null ? [] : [`what ${place} held is in ${aside}`];
  print([...notes, ...old, made]);
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
  isOfTheStore(error) ||
  FOR_THE_OPERATOR.some((kind) => error instanceof kind) ||
  (error as NodeJS.ErrnoException).code !== undefined;

if (import.meta.main) await runMain(main, isForTheOperator);
