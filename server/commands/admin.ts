/** `npm run admin -- …`: who may log in at `/admin`, and the audit log, with the server running or not. */
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { ROLES } from '../../shared/adminPeople.ts';
import { AdminError, AdminTable, checkAdminName, hashToken, makeToken } from '../admin/adminTable.ts';
import { dataDirOf } from '../config.ts';
import { choice, type FlagsOf, type FlagValues, toggle } from '../flags.ts';
import { type Actor, type AuditEntry, Registry } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { RuleError } from '../rules/rule.ts';
import { printable, table } from './registry.ts';
import { type Program, runMain, runProgram } from './subcommands.ts';
import { inWorld, isOfTheStore, WORLD_FLAG_NAMES, WORLD_FLAGS } from './worldOf.ts';

/** Longest wait for a server that is writing; it writes for milliseconds at most. */
const MAX_BUSY_MS = 5_000;
/** Rows that are read and printed together. */
const CHUNK = 1_000;
const SHOWN = 50;

// biome-ignore format: one flag, one line
const GROUPS = {
  Flags: {
    role: choice(ROLES, 'moderator', 'owner: may do everything; moderator: sees to players, bodies and reports'),
    json: toggle('prints the list as JSON'),
    jsonl: toggle('prints all of the audit log, oldest first, one entry per line'),
    ...WORLD_FLAGS,
    help: toggle('prints this'),
  },
} as const;

type Flags = FlagValues<FlagsOf<typeof GROUPS>>;

const COMMANDS: Program<typeof GROUPS>['commands'] = {
  add: {
    takes: ['NAME'],
    needs: [],
    flags: ['role', ...WORLD_FLAG_NAMES],
    meaning: 'makes an admin and prints their token, once',
    run: ([name], flags) => inWorld(flags, 'changes', (here) => add(checkAdminName(name), here)),
  },
  list: {
    takes: [],
    needs: [],
    flags: ['json', ...WORLD_FLAG_NAMES],
    meaning: 'lists the admins',
    run: (_, flags) => inWorld(flags, 'reads', list),
  },
  rotate: {
    takes: ['NAME'],
    needs: [],
    flags: [...WORLD_FLAG_NAMES],
    meaning:
      'gives an admin a new token and prints it, once; the old one no longer works, and the admin is logged out everywhere',
    run: ([name], flags) => inWorld(flags, 'changes', (here) => rotate(name, here)),
  },
  revoke: {
    takes: ['NAME'],
    needs: [],
    flags: [...WORLD_FLAG_NAMES],
    meaning: 'takes an admin off the list and logs them out everywhere, within seconds',
    run: ([name], flags) => inWorld(flags, 'changes', (here) => revoke(name, here)),
  },
  audit: {
    takes: [],
    needs: [],
    flags: ['jsonl', ...WORLD_FLAG_NAMES],
    meaning: `prints the newest ${SHOWN} entries of the audit log; with --jsonl, all of it`,
    run: (_, flags) => inWorld(flags, 'reads', audit),
  },
};

/** @throws AdminError, RuleError or RegistryError; its message is all that the user reads */
export const main = (args: readonly string[]): Promise<void> =>
  runProgram(
    {
      name: 'admin',
      intro:
        'Says who may log in at /admin, with the server running or not. Each admin has a token of their own.',
      groups: GROUPS,
      commands: COMMANDS,
    },
    args,
  );

function add(name: string, flags: Flags): void {
  const token = makeToken();
  withTable(flags, (admins) => admins.add(name, flags.role, hashToken(token), me()));
  handOut(`${name} is ${flags.role === 'owner' ? 'an owner' : 'a moderator'} of /admin`, token);
}

function rotate(name: string, flags: Flags): void {
  const token = makeToken();
  const known = withTable(flags, (admins) => admins.rotate(name, hashToken(token), me()));
  handOut(`${known} has a new token, and is logged out`, token);
}

/** The token alone goes to standard output, so that a script can take it. */
function handOut(fact: string, token: string): void {
  console.error(`${fact}. The token is shown only this once, and stored nowhere:`);
  print(token);
}

function revoke(name: string, flags: Flags): void {
  const { known, owners } = withTable(flags, (admins) => {
    const gone = admins.revoke(name, me());
    return { known: gone, owners: admins.all().filter(({ role }) => role === 'owner').length };
  });
  print(`${known} is no longer an admin`);
  if (owners === 0)
    console.error(
      'No owner is left: add one with `npm run admin -- add NAME --role owner`, unless the server runs with --admin-token',
    );
}

function list(flags: Flags): void {
  const admins = withTable(flags, (all) => all.all().map(({ hash: _, ...admin }) => admin));
  const rows = admins.map(({ name, role, created, used }) => [name, role, created, used || 'never']);
  if (flags.json) print(JSON.stringify(admins, null, 2));
  else if (rows.length === 0)
    print('there is no admin yet: the first start of the server makes one, and so does add');
  else print(table([['name', 'role', 'added', 'logged in last'], ...rows]));
}

async function audit(flags: Flags): Promise<void> {
  const registry = open(flags);
  try {
    if (flags.jsonl) await exportAudit(registry);
    else print(registry.audit.entries(SHOWN).map(shown).join('\n') || 'the audit log is empty');
  } finally {
    registry.close();
  }
}

function shown({ at, who, role, address, action, subject, detail, count }: AuditEntry): string {
  const whom = [who, role && `(${role})`, address && `from ${address}`].filter(Boolean).join(' ');
  const times = count > 1 ? ` (${count} times)` : '';
  return printable(`${at}  ${whom}: ${action} ${subject} ${detail}${times}`.trimEnd());
}

async function exportAudit({ audit }: Registry): Promise<void> {
  for (let rows = audit.after(0, CHUNK); rows.length > 0; rows = audit.after(rows.at(-1)!.id, CHUNK)) {
    const isTaken = process.stdout.write(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
    if (!isTaken) await once(process.stdout, 'drain');
  }
}

const open = (flags: Flags): Registry => new Registry(dataDirOf(flags['data-dir']), MAX_BUSY_MS);

function withTable<T>(flags: Flags, work: (admins: AdminTable) => T): T {
  const registry = open(flags);
  try {
    return work(new AdminTable(registry));
  } finally {
    registry.close();
  }
}

const me = (): Actor => ({ who: userInfo().username, address: 'command line' });

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const isForTheOperator = (error: unknown): error is Error =>
  [AdminError, RuleError, RegistryError].some((kind) => error instanceof kind) || isOfTheStore(error);

if (import.meta.main) await runMain(main, isForTheOperator);
