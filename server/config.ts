/** Every setting with its default, unit and range. Only this file reads the environment and the server's flags. */
import { NURSERY_MODES, type NurseryMode } from '../shared/drawing/submission.ts';
import { titleOf } from '../shared/worldNames.ts';
import { DEFAULT_WORLD, faultsTogether } from './configTogether.ts';
import { choice, type Flag, parseFlags, readFlag, real, whole } from './flags.ts';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './log/log.ts';
import {
  defaultMaxPages,
  defaultRelays,
  defaultThreads,
  defaultTunerThreads,
  readMachine,
} from './machine.ts';
import {
  httpUrl,
  inUnit,
  natsUrl,
  pageUrl,
  place,
  postgresUrl,
  ranges,
  relayedWorlds,
  secretText,
  size,
  token,
  worldName,
  worldNames,
  worldTitle,
  yesOrNo,
} from './settingKinds.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
  /** What this process is: the world and what serves its clients, the world for relays elsewhere, or such a relay. */
  readonly role: 'all' | 'world' | 'relay' | 'worker';
  /** So many processes beside this one serve the clients; 0: this one does. */
  readonly relays: number;
  /** Where the broker is between a world and relays on other machines; empty: there is none. */
  readonly nats: string;
  /** On one machine, in the place of a broker: the folder where worlds and relays meet; empty: there is none. */
  readonly meet: string;
  /** What the world is called at the broker, in the folder where it meets relays, and in the store. */
  readonly world: string;
  /** What people read in the place of that name. */
  readonly title: string;
  /** Several worlds, each in a process of its own; empty: there is one. */
  readonly worlds: readonly string[];
  /** Where the world's state is kept beyond this machine, a URL of PostgreSQL; empty: in `dataDir`. */
  readonly store: string;
  /** Where a store has the blobs of pages: a folder, or `s3://bucket/prefix`. */
  readonly blobs: string;
  /** Waits, where another process owns the world, until it may take over. */
  readonly spare: boolean;
  /** An owner that is not heard of for so long is followed by another. */
  readonly leaseSeconds: number;
  readonly s3Endpoint: string;
  readonly s3Region: string;
  readonly s3Key: string;
  readonly s3Secret: string;
  /** Names of a relay's worlds; `*`, alone: all that can be found. */
  readonly relayOf: readonly string[];
  readonly engine: 'auto' | 'wasm' | 'webgpu' | 'tfjs' | 'reference';
  /** Which GPU: `auto` (no software adapter), `swiftshader`, or part of its name. */
  readonly adapter: string;
  /** The form of the GPU's kernels (`engines/webgpu/device.ts`). */
  readonly gpuKernels: 'auto' | 'plain' | 'f16';
  /** How many threads step the world. */
  readonly threads: number;
  /** How many pages (64² cells, 0.3 MB) may exist at once. */
  readonly maxPages: number;
  /** An update that changes no channel by more than this is not added: the cell rests (`engines/engine.ts`). */
  readonly rest: number;
  /** Seconds that a body must have been whole and steady before it sleeps; 0: nobody sleeps (`world/sleep.ts`). */
  readonly sleepSeconds: number;
  readonly width: number;
  readonly height: number;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  /** Organisms planted at the first start. */
  readonly garden: number;
  /** Which of the rules that come with this program make the world. */
  readonly gardenOf: 'shipped' | 'starters';
  readonly randomSeed: number;
  readonly dataDir: string;
  readonly weightsDir: string;
  readonly saveSeconds: number;
  /** When a stroke counts as saved (`storage/journal.ts`). */
  readonly durability: 'flush' | 'os';
  /** Average bytes per second to one viewer. */
  readonly viewerBytesPerSecond: number;
  /** The token of an owner beside the registry's admins; empty: none. */
  readonly adminToken: string;
  /** Entries of the audit log are kept for so many days; 0: for ever. */
  readonly auditDays: number;
  /** The session ends this long after the last player has left. */
  readonly sessionEndSeconds: number;
  /** Further players are told that the world is full. */
  readonly maxPlayers: number;
  /** Sockets that one address may have. */
  readonly perAddress: number;
  /** Guests who may be here at once from one address. */
  readonly guestsPerAddress: number;
  /** How many guests' energy an address has. */
  readonly energyPerAddress: number;
  /** Bodies that one guest may have growing. */
  readonly plantsPerGuest: number;
  /** Seeds that may be planted from one address within an hour. */
  readonly plantsPerAddress: number;
  /** A player's body that nobody has visited for so many hours of the world's running withers; 0: never. */
  readonly witherHours: number;
  /** Where the world finds the page: origin and path, ending in a slash. Empty: only under names that need no proof. */
  readonly publicUrl: string;
  /** So many proxies in front are believed, one behind the other (`http/addresses.ts`). */
  readonly trustProxy: number;
  readonly log: LogFormat;
  readonly logLevel: LogLevel;
  /** Who may read `/metrics` (`addressRanges.ts`). */
  readonly metricsFrom: string;
  /** Who swaps better tuned rules in: an admin (`manual`) or the tuner (`auto`). `off`: no rule is tuned. */
  readonly tuner: 'off' | 'manual' | 'auto';
  /** Iterations of training that one attempt at a species may take. */
  readonly tunerIterations: number;
  readonly tunerThreads: number;
  /** Where rules are tuned: on this machine, or at workers (`workers/`). */
  readonly tunerAt: 'here' | 'workers';
  /** Whose drawings are grown: nobody's, those that an admin approves, or everybody's. */
  readonly nursery: NurseryMode;
  readonly nurseryThreads: number;
  /** Where drawings are learned: on this machine, or at workers (`workers/`). */
  readonly nurseryAt: 'here' | 'workers';
  /** Species that may come from drawings, at once. */
  readonly nurserySpecies: number;
}

/** Bad settings: one line for each. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/** Fields that one flag sets alone, by the field's name: `dataDir` is `--data-dir` and REGROW_DATA_DIR. */
type Settings = { readonly [F in Exclude<keyof Config, 'width' | 'height'>]: Flag<Config[F]> } & {
  readonly size: Flag<Pick<Config, 'width' | 'height'>>;
  /** Becomes `trustProxy`. */
  readonly trustForwarded: Flag<boolean>;
};

const GARDENS = ['shipped', 'starters'] as const;
const STARTERS_DIR = 'weights/starters';
const ROLES = ['all', 'world', 'relay', 'worker'] as const;
const TUNER_MODES = ['off', 'manual', 'auto'] as const;
const ENGINES = ['auto', 'wasm', 'webgpu', 'tfjs', 'reference'] as const;
const DURABILITIES = ['flush', 'os'] as const;
const GPU_KERNELS = ['auto', 'plain', 'f16'] as const;

/** Worlds of one command: each has a process with threads of its own. */
const MAX_WORLDS_HERE = 16;
/** Worlds of one relay: each has a way to it, and a room. */
export const MAX_RELAYED_WORLDS = 64;

const MACHINE = readMachine();

// biome-ignore format: one setting, one line
const SETTINGS: Settings = {
  host: place('::', 'address', 'where to listen; :: all addresses, of IPv4 and, where there is one, IPv6; 127.0.0.1: only this machine, by IPv4'),
  port: whole(0, 65_535, 2567, 'TCP port; 0: any that is free'),
  role: choice(ROLES, 'all', 'all: the world, and what serves its clients; world: clients come to relays elsewhere, over --nats; relay: serves clients of --relay-of, over --nats; worker: tunes for the worlds of --store'),
  nats: natsUrl('the broker between a world and relays on other machines; it has to be trusted as this process is'),
  meet: place('', 'folder', 'in the place of --nats on one machine: where worlds and relays find each other; only who may read it can join them'),
  world: worldName(DEFAULT_WORLD, 'what this world is called: at the broker, in the store, in addresses (/w/NAME)'),
  title: worldTitle('what people read in a lobby and on the page; default: the name of the world'),
  worlds: worldNames(MAX_WORLDS_HERE, 'several worlds at the one port, with a lobby: each in a process of its own, saved in a folder of its name in --data-dir'),
  relayOf: relayedWorlds(MAX_RELAYED_WORLDS, 'for --role relay: the --world whose clients it serves; several, with commas, or * for all that can be found, get a lobby'),
  relays: inUnit(' processes', whole(0, 64, defaultRelays(MACHINE), 'beside this one that serve the clients, all at the one port; 0, the default below 4 processors: this one serves them')),
  store: postgresUrl('keeps the world, so that it outlives this machine; of the data directory, only what can be made again is used then'),
  blobs: place('', 'folder | s3://bucket/prefix', 'for --store: where pages are kept; every machine that may own the world has to reach it'),
  spare: yesOrNo(false, 'for --store; yes: waits while another process owns the world, and takes over when it ends'),
  leaseSeconds: inUnit(' s', real(0.5, 60, 2, 'after which an owner of the world that the store has not heard of is followed by a spare')),
  s3Endpoint: httpUrl('https://s3.amazonaws.com', 'for --blobs s3://…; the bucket stands in the path'),
  s3Region: place('us-east-1', 'name', 'of --s3-endpoint'),
  s3Key: secretText('of --s3-endpoint'),
  s3Secret: secretText('of --s3-endpoint; better set in the environment'),
  engine: choice(ENGINES, 'auto', 'what steps the cells'),
  adapter: place('auto', 'auto | swiftshader | name', 'for webgpu: which GPU; auto: no software adapter; name: part of its name'),
  gpuKernels: choice(GPU_KERNELS, 'auto', 'for webgpu; auto: subgroups where the GPU has them; plain: without; f16: auto with weights rounded to float16'),
  size: size(1024, 'WIDTHxHEIGHT of a new world, or one number'),
  threads: whole(1, 32, defaultThreads(MACHINE), 'how many threads step the world; the default leaves one core to sockets'),
  maxPages: inUnit(' pages', whole(1, 1_048_576, defaultMaxPages(MACHINE), 'of 64² cells, 0.3 MB each, that may exist at once; planting beyond them is refused. The default fits the memory of the machine or container, up to 8192')),
  rest: real(0, 0.01, 1e-6, 'a cell rests when no channel would change by more than this; 0: the plain model'),
  sleepSeconds: inUnit(' s', real(0, 86_400, 5, 'that a body must have been whole and steady before it sleeps; asleep, it costs nothing; 0: nobody sleeps')),
  stepsPerSecond: real(0.1, 1_000, 30, 'how fast the world runs'),
  framesPerSecond: real(1, 60, 20, 'how often viewers get an update'),
  epsilon: inUnit(' of 255', whole(0, 32, 2, 'largest error of a pixel on the wire; 0: lossless')),
  garden: inUnit(' organisms', whole(0, 10_000, 48, 'planted at the first start, as many as fit')),
  gardenOf: choice(GARDENS, 'shipped', 'starters: creatures drawn for this project, free of trademarks, in place of the Pokémon; their rules are in weights/starters, unless --weights-dir says where'),
  randomSeed: whole(0, 0xffff_ffff, 1, 'decides the garden and which cells fire'),
  dataDir: place('data', 'folder', 'where the world is saved'),
  weightsDir: place('weights', 'folder', 'rules: *.safetensors'),
  adminToken: token('of an owner of /admin beside those of npm run admin; random, and better set in the environment'),
  auditDays: inUnit(' days', whole(0, 36_500, 365, 'that the audit log keeps an entry; 0: for ever')),
  saveSeconds: inUnit(' s', real(1, 86_400, 60, 'between two saves at most; the journal holds what happens between them')),
  durability: choice(DURABILITIES, 'flush', 'when a stroke counts as saved. flush: on disk, so that power loss takes nothing; os: written, so that a crash of the server takes nothing'),
  viewerBytesPerSecond: inUnit(' bytes', whole(10_000, 1_000_000_000, 1_000_000, 'on average to one viewer; a slower connection gets less by itself')),
  sessionEndSeconds: inUnit(' s', real(0, 86_400, 30, 'from when the last player leaves until the session ends and is recorded')),
  maxPlayers: inUnit(' players', whole(1, 100_000, 2000, 'at once; others are told that the world is full')),
  perAddress: inUnit(' sockets', whole(1, 100_000, 64, 'from one IP address')),
  guestsPerAddress: inUnit(' guests', whole(1, 100_000, 16, 'at once from one IP address (IPv6: one /64); others are refused')),
  energyPerAddress: inUnit(' guests', whole(1, 100_000, 4, 'whose energy an IP address has, however many come from it')),
  plantsPerGuest: inUnit(' bodies', whole(1, 65_535, 12, 'that one guest may have growing')),
  plantsPerAddress: inUnit(' bodies', whole(1, 65_535, 48, 'that one IP address may have growing, and may plant within an hour')),
  witherHours: inUnit(' h', real(0, 87_600, 72, 'after which a body that a player planted and nobody has visited withers; 0: never')),
  tuner: choice(TUNER_MODES, 'manual', 'learns from what players did; manual: an admin swaps better rules in; auto: the tuner does'),
  tunerIterations: whole(50, 1_000_000, 3_000, 'of training that an attempt at a species may take, over as many pauses in play as it needs'),
  tunerThreads: whole(1, 32, defaultTunerThreads(MACHINE), 'how many threads tune at low priority while nobody plays'),
  tunerAt: choice(['here', 'workers'], 'here', 'where the tuner trains; workers: at --role worker of the same --store, also while players are here'),
  nursery: choice(NURSERY_MODES, 'approve', 'grows what visitors draw; approve: what an admin approves; open: everything; off: nothing'),
  nurseryThreads: whole(1, 4, 1, 'how many threads learn drawings at the lowest priority, also while people play'),
  nurseryAt: choice(['here', 'workers'], 'here', 'where drawings are learned; workers: at --role worker of the same --store'),
  nurserySpecies: inUnit(' species', whole(1, 192, 64, 'from drawings at once; beyond them, the one with the fewest bodies withers')),
  trustProxy: inUnit(' proxies', whole(0, 16, 0, 'in a row before the server, whose X-Forwarded-For, -Host and -Proto are believed; 0: nobody\'s, for any client can send them')),
  trustForwarded: yesOrNo(false, 'yes: as --trust-proxy 1'),
  log: choice(LOG_FORMATS, 'auto', 'how the log is written; auto: text on a terminal, else JSON'),
  logLevel: choice(LOG_LEVELS, 'info', 'the least that is logged; debug also has requests, joins and strokes'),
  metricsFrom: ranges('loopback, private', 'addresses and ranges, separated by commas, that may read /metrics; also loopback, private, all, none'),
  publicUrl: pageUrl('where the world finds the page; the server answers under this name, and under IP addresses, localhost, and names without a dot or in .local. Default: under those only'),
};

/** Errors do not repeat its value. */
const SECRETS: readonly string[] = ['adminToken', 'nats', 'store', 's3Key', 's3Secret'];

const ENTRIES = Object.entries(SETTINGS).map(([field, flag]: [string, Flag<unknown>]) => ({
  field,
  name: field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  variable: `REGROW_${field.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`,
  flag,
}));
const FLAGS = Object.fromEntries(ENTRIES.map(({ name, flag }) => [name, flag]));

/**
 * Reads flags (`--port 80` or `--port=80`), then the environment, then the defaults. An empty variable
 * counts as unset.
 *
 * @param argv - without the program and the script
 * @throws ConfigError naming every bad field
 */
export function readConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Config {
  const faults: string[] = [];
  const { given } = parseFlags(FLAGS, argv, faults);
  const values = ENTRIES.map(({ field, name, variable, flag }) => {
    const said = given[name]?.toString() ?? (env[variable] || undefined);
    const source = given[name] === undefined ? variable : `--${name}`;
    const shown = SECRETS.includes(field) ? `${source}: what was given` : `${source} "${said}"`;
    return [field, said === undefined ? flag.fallback : readFlag(flag, said, shown, faults)];
  });
  if (faults.length === 0) faults.push(...faultsTogether(Object.fromEntries(values)));
  if (faults.length > 0) throw new ConfigError(faults);
  const { size, trustForwarded, ...rest } = Object.fromEntries(values) as Omit<Config, 'width' | 'height'> & {
    readonly size: Pick<Config, 'width' | 'height'>;
    readonly trustForwarded: boolean;
  };
  const isOfStarters = rest.gardenOf === 'starters' && rest.weightsDir === SETTINGS.weightsDir.fallback;
  return Object.freeze({
    ...rest,
    ...size,
    title: rest.title || titleOf(rest.world),
    weightsDir: isOfStarters ? STARTERS_DIR : rest.weightsDir,
    trustProxy: rest.trustProxy || (trustForwarded ? 1 : 0),
  });
}

/** The command line with these settings in the place of what it says of them. @param settings - by flag, without dashes */
export function argvWith(argv: readonly string[], settings: Readonly<Record<string, string>>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const [, name = '', inline] = /^--([^=]+)(=.*)?$/s.exec(argv[i]) ?? [];
    if (!Object.hasOwn(settings, name)) kept.push(argv[i]);
    else if (inline === undefined && !argv[i + 1]?.startsWith('--')) i++;
  }
  return [...kept, ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)];
}

/** Where a command finds the world's files: the folder it was given, else the one that the server would use. */
export const dataDirOf = (
  told: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string => told ?? (env.REGROW_DATA_DIR || 'data');

/** Where a command finds the rules that the server ships. */
export const weightsDirOf = (
  told: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string => told ?? (env.REGROW_WEIGHTS_DIR || 'weights');

/** The variables of the environment that say where a store is. */
const OF_A_STORE = /^REGROW_(?:STORE|BLOBS|WORLD|LEASE_SECONDS|S3_[A-Z]+)$/;

/**
 * Where a command finds a world that is in a store.
 *
 * @returns null: it is in a data directory
 * @throws ConfigError
 */
export function storeOf(
  told: { readonly [F in 'data-dir' | 'store' | 'blobs' | 'world']?: string },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config | null {
  const isStored = told.store !== undefined || (told['data-dir'] === undefined && !!env.REGROW_STORE);
  if (!isStored) return null;
  const given = (['store', 'blobs', 'world'] as const).flatMap((name) =>
    told[name] === undefined ? [] : [`--${name}`, told[name]],
  );
  return readConfig(given, Object.fromEntries(Object.entries(env).filter(([name]) => OF_A_STORE.test(name))));
}

export function helpText(): string {
  const rows = ENTRIES.map(({ name, variable, flag: { standard, range, meaning } }) => [
    `--${name}`,
    variable,
    standard,
    range,
    meaning,
  ]);
  rows.unshift(['flag', 'environment', 'default', 'unit and range', 'meaning']);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
  return [
    'Regrow: a shared, living world of neural cellular automata.',
    '',
    'npm start -- [flags]        A flag wins over its environment variable.',
    '',
    ...lines,
  ].join('\n');
}

export const wantsHelp = (argv: readonly string[]): boolean => argv.includes('--help') || argv.includes('-h');
