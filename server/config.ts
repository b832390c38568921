/** Every setting with its default, unit and range. Only this file reads the environment and the server's flags. */
import { availableParallelism } from 'node:os';
import { MAX_WORLD_CELLS, PAGE_CELLS } from '../shared/geometry.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
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
  readonly width: number;
  readonly height: number;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  /** Organisms planted at the first start. */
  readonly garden: number;
  readonly randomSeed: number;
  readonly dataDir: string;
  readonly weightsDir: string;
  readonly saveSeconds: number;
  /** When a stroke counts as saved (`storage/journal.ts`). */
  readonly durability: 'flush' | 'os';
  /** Average bytes per second to one viewer. */
  readonly viewerBytesPerSecond: number;
  /** Of an owner beside the registry's admins; empty: none. */
  readonly adminToken: string;
  /** Entries of the audit log are kept for so many days; 0: for ever. */
  readonly auditDays: number;
  /** The session ends this long after the last player has left. */
  readonly sessionEndSeconds: number;
  /** Further players are told that the world is full. */
  readonly maxPlayers: number;
  /** Sockets and reserved seats together that one address may have. */
  readonly perAddress: number;
  /** Trust `X-Forwarded-For`: only behind a proxy that sets it. */
  readonly trustForwarded: boolean;
  /** Who swaps better tuned rules in: an admin (`manual`) or the tuner (`auto`). `off`: no rule is tuned. */
  readonly tuner: 'off' | 'manual' | 'auto';
  /** Seconds of training for one species after a session, without measuring. */
  readonly tunerSeconds: number;
  readonly tunerThreads: number;
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

interface Setting {
  readonly flag: string;
  readonly default: string;
  /** Unit and range, as `--help` prints them. */
  readonly range: string;
  readonly meaning: string;
  /** Errors do not repeat the value. */
  readonly isSecret?: boolean;
  /** The fields that a value sets; null when the value is not allowed. */
  read(text: string): Partial<Config> | null;
}

const TUNER_MODES = ['off', 'manual', 'auto'] as const;
const ENGINES = ['auto', 'wasm', 'webgpu', 'tfjs', 'reference'] as const;
const DURABILITIES = ['flush', 'os'] as const;
const GPU_KERNELS = ['auto', 'plain', 'f16'] as const;

/** `--port` reads REGROW_PORT. */
const environmentName = (flag: string): string => `REGROW_${flag.toUpperCase().replaceAll('-', '_')}`;

// biome-ignore format: one setting, one line
const SETTINGS: readonly Setting[] = [
  text('host', 'host', '0.0.0.0', 'address', 'where to listen; 127.0.0.1: only this machine'),
  number('port', 'port', '2567', 0, 65_535, 'whole', '', 'TCP port; 0: any that is free'),
  choice('engine', 'engine', 'auto', ENGINES, 'what steps the cells'),
  text('adapter', 'adapter', 'auto', 'auto | swiftshader | name', 'for webgpu: which GPU; auto: no software adapter; name: part of its name'),
  choice('gpu-kernels', 'gpuKernels', 'auto', GPU_KERNELS, 'for webgpu; auto: subgroups where the GPU has them; plain: without; f16: auto with weights rounded to float16'),
  { flag: 'size', default: '1024x1024', range: `${PAGE_CELLS}..${MAX_WORLD_CELLS} cells per side`, meaning: 'WIDTHxHEIGHT of a new world, or one number', read: readSize },
  number('threads', 'threads', String(Math.max(1, availableParallelism() - 1)), 1, 32, 'whole', '', 'how many threads step the world; the default leaves one core to sockets'),
  number('max-pages', 'maxPages', '8192', 1, 1_048_576, 'whole', ' pages', 'of 64² cells, 0.3 MB each, that may exist at once; planting beyond them is refused'),
  number('rest', 'rest', '0.000001', 0, 0.01, 'real', '', 'a cell rests when no channel would change by more than this; 0: the plain model'),
  number('steps-per-second', 'stepsPerSecond', '30', 0.1, 1_000, 'real', '', 'how fast the world runs'),
  number('frames-per-second', 'framesPerSecond', '20', 1, 60, 'real', '', 'how often viewers get an update'),
  number('epsilon', 'epsilon', '2', 0, 32, 'whole', ' of 255', 'largest error of a pixel on the wire; 0: lossless'),
  number('garden', 'garden', '48', 0, 10_000, 'whole', ' organisms', 'planted at the first start, as many as fit'),
  number('random-seed', 'randomSeed', '1', 0, 0xffff_ffff, 'whole', '', 'decides the garden and which cells fire'),
  text('data-dir', 'dataDir', 'data', 'folder', 'where the world is saved'),
  text('weights-dir', 'weightsDir', 'weights', 'folder', 'rules: *.safetensors'),
  { flag: 'admin-token', default: '', range: '16..256 characters', meaning: 'of an owner of /admin, beside those of npm run admin; random, and better set in the environment', isSecret: true, read: readToken },
  number('audit-days', 'auditDays', '365', 0, 36_500, 'whole', ' days', 'that the audit log keeps its entries; 0: for ever'),
  number('save-seconds', 'saveSeconds', '60', 1, 86_400, 'real', ' s', 'between two saves at most; the journal holds what happens between them'),
  choice('durability', 'durability', 'flush', DURABILITIES, 'when a stroke counts as saved. flush: on disk, so that power loss takes nothing; os: written, so that a crash of the server takes nothing'),
  number('viewer-bytes-per-second', 'viewerBytesPerSecond', '1000000', 10_000, 1_000_000_000, 'whole', ' bytes', 'on average to one viewer; a slower connection gets less by itself'),
  number('session-end-seconds', 'sessionEndSeconds', '30', 0, 86_400, 'real', ' s', 'from when the last player leaves until the session ends and is recorded'),
  number('max-players', 'maxPlayers', '2000', 1, 100_000, 'whole', ' players', 'at once; others are told that the world is full'),
  number('per-address', 'perAddress', '64', 1, 100_000, 'whole', ' sockets', 'from one IP address'),
  choice('tuner', 'tuner', 'manual', TUNER_MODES, 'learns from what players did; manual: an admin swaps better rules in; auto: the tuner does'),
  number('tuner-seconds', 'tunerSeconds', '230', 5, 86_400, 'whole', ' s', 'of training per species after a session'),
  number('tuner-threads', 'tunerThreads', String(Math.min(4, availableParallelism())), 1, 32, 'whole', '', 'how many threads tune at low priority while nobody plays'),
  { flag: 'trust-forwarded', default: 'no', range: 'yes | no', meaning: 'trust X-Forwarded-For; only behind a proxy that sets it', read: readTrust },
];

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
  const flags = readFlags(argv, faults);
  let config: Partial<Config> = {};
  for (const setting of SETTINGS) {
    const variable = environmentName(setting.flag);
    const fromFlag = flags.get(setting.flag);
    const value = fromFlag ?? (env[variable] || setting.default);
    const fields = setting.read(value);
    const source = fromFlag === undefined ? variable : `--${setting.flag}`;
    const shown = setting.isSecret ? 'what was given' : `"${value}"`;
    if (fields === null) faults.push(`${source}: ${setting.range} expected, not ${shown}`);
    config = { ...config, ...fields };
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(config) as Config;
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

export function helpText(): string {
  const rows = SETTINGS.map(({ flag, default: standard, range, meaning }) => [
    `--${flag}`,
    environmentName(flag),
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

function readFlags(argv: readonly string[], faults: string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const [, flag, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(argv[i]) ?? [];
    if (flag === undefined || !SETTINGS.some((setting) => setting.flag === flag)) {
      faults.push(`${argv[i]}: no such flag (see --help)`);
      // Skips its value, which is not a second mistake.
      if (flag !== undefined && inline === undefined && argv[i + 1]?.startsWith('--') === false) i++;
      continue;
    }
    const value = inline ?? (argv[i + 1]?.startsWith('--') ? undefined : argv[++i]);
    if (flags.has(flag)) faults.push(`--${flag}: given twice`);
    else if (value === undefined) faults.push(`--${flag}: a value is missing`);
    else flags.set(flag, value);
  }
  return flags;
}

function text(
  flag: string,
  field: 'host' | 'adapter' | 'dataDir' | 'weightsDir',
  standard: string,
  range: string,
  meaning: string,
): Setting {
  const read = (value: string) => (value.trim() === '' || value.includes('\0') ? null : { [field]: value });
  return { flag, default: standard, range, meaning, read };
}

function choice<F extends 'engine' | 'gpuKernels' | 'durability' | 'tuner'>(
  flag: string,
  field: F,
  standard: Config[F],
  values: readonly Config[F][],
  meaning: string,
): Setting {
  const read = (value: string) => {
    const chosen = values.find((one) => one === value);
    return chosen === undefined ? null : { [field]: chosen };
  };
  return { flag, default: standard, range: values.join(' | '), meaning, read };
}

function number(
  flag: string,
  field: keyof Config,
  standard: string,
  min: number,
  max: number,
  kind: 'whole' | 'real',
  unit: string,
  meaning: string,
): Setting {
  const read = (value: string) => {
    const got = readNumber(value, min, max, kind);
    return got === null ? null : { [field]: got };
  };
  return { flag, default: standard, range: `${min}..${max}${unit}`, meaning, read };
}

function readNumber(value: string, min: number, max: number, kind: 'whole' | 'real'): number | null {
  const shape = kind === 'whole' ? /^\d+$/ : /^\d+(\.\d+)?$/;
  const got = shape.test(value) ? Number(value) : Number.NaN;
  return got >= min && got <= max ? got : null;
}

function readSize(value: string): Partial<Config> | null {
  const [, first, second = first] = /^(\d+)(?:x(\d+))?$/.exec(value) ?? [];
  if (first === undefined) return null;
  const width = readNumber(first, PAGE_CELLS, MAX_WORLD_CELLS, 'whole');
  const height = readNumber(second, PAGE_CELLS, MAX_WORLD_CELLS, 'whole');
  return width === null || height === null ? null : { width, height };
}

function readTrust(value: string): Partial<Config> | null {
  return value === 'yes' || value === 'no' ? { trustForwarded: value === 'yes' } : null;
}

function readToken(value: string): Partial<Config> | null {
  return value === '' || (value.length >= 16 && value.length <= 256) ? { adminToken: value } : null;
}
