import { describe, expect, test } from 'vitest';
import { argvWith, ConfigError, helpText, readConfig, wantsHelp } from '../server/config.ts';
import {
  defaultMaxPages,
  defaultRelays,
  defaultThreads,
  defaultTunerThreads,
  readMachine,
} from '../server/machine.ts';

const machine = readMachine();

const faultsOf = (argv: string[], env: Record<string, string> = {}): readonly string[] => {
  try {
    readConfig(argv, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
};

describe('readConfig', () => {
  test('a world of starters takes their rules, unless a folder is named', () => {
    expect(readConfig(['--garden-of', 'starters'], {}).weightsDir).toBe('weights/starters');
    expect(readConfig(['--garden-of', 'starters', '--weights-dir', 'mine'], {}).weightsDir).toBe('mine');
  });

  test('has a default for everything, and cannot be changed afterwards', () => {
    const config = readConfig([], {});
    expect(config).toEqual({
      host: '::',
      port: 2567,
      role: 'all',
      relays: defaultRelays(machine),
      nats: '',
      meet: '',
      world: 'world',
      title: 'World',
      worlds: [],
      relayOf: [],
      store: '',
      tunerAt: 'here',
      blobs: '',
      spare: false,
      leaseSeconds: 2,
      s3Endpoint: 'https://s3.amazonaws.com',
      s3Region: 'us-east-1',
      s3Key: '',
      s3Secret: '',
      publicUrl: '',
      engine: 'auto',
      adapter: 'auto',
      gpuKernels: 'auto',
      threads: defaultThreads(machine),
      maxPages: defaultMaxPages(machine),
      rest: 1e-6,
      sleepSeconds: 5,
      width: 1024,
      height: 1024,
      stepsPerSecond: 30,
      framesPerSecond: 20,
      epsilon: 2,
      garden: 48,
      gardenOf: 'shipped',
      randomSeed: 1,
      dataDir: 'data',
      weightsDir: 'weights',
      adminToken: '',
      auditDays: 365,
      saveSeconds: 60,
      durability: 'flush',
      sessionEndSeconds: 30,
      maxPlayers: 2000,
      perAddress: 64,
      guestsPerAddress: 16,
      energyPerAddress: 4,
      plantsPerGuest: 12,
      plantsPerAddress: 48,
      witherHours: 72,
      trustProxy: 0,
      log: 'auto',
      logLevel: 'info',
      metricsFrom: 'loopback, private',
      tuner: 'manual',
      tunerIterations: 3_000,
      tunerThreads: defaultTunerThreads(machine),
      nursery: 'approve',
      nurseryThreads: 1,
      nurseryAt: 'here',
      nurserySpecies: 64,
      viewerBytesPerSecond: 1_000_000,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('a flag wins over its variable, and a variable over the default', () => {
    const env = { REGROW_PORT: '80', REGROW_STEPS_PER_SECOND: '12.5', REGROW_EPSILON: '' };
    const config = readConfig(['--port', '0', '--engine=wasm', '--data-dir', '/tmp/a b'], env);
    expect(config).toMatchObject({
      port: 0,
      stepsPerSecond: 12.5,
      epsilon: 2,
      engine: 'wasm',
      dataDir: '/tmp/a b',
    });
  });

  test('--trust-forwarded yes is --trust-proxy 1, unless that says more', () => {
    expect(readConfig(['--trust-forwarded', 'yes'], {}).trustProxy).toBe(1);
    expect(readConfig(['--trust-forwarded', 'no', '--trust-proxy', '2'], {}).trustProxy).toBe(2);
    expect(readConfig(['--trust-proxy', '2'], { REGROW_TRUST_FORWARDED: 'yes' }).trustProxy).toBe(2);
    expect(readConfig([], { REGROW_TRUST_PROXY: '3' }).trustProxy).toBe(3);
    expect(readConfig(['--trust-forwarded', 'yes'], {})).not.toHaveProperty('trustForwarded');
  });

  test('a size is WIDTHxHEIGHT, or one number for both', () => {
    expect(readConfig(['--size', '256'], {})).toMatchObject({ width: 256, height: 256 });
    expect(readConfig(['--size', '4096x64'], {})).toMatchObject({ width: 4096, height: 64 });
  });

  test.each([
    ['--port', '65536'],
    ['--port', '-1'],
    ['--port', '80.5'],
    ['--port', '0x50'],
    ['--port', 'NaN'],
    ['--engine', 'cuda'],
    ['--size', '63'],
    ['--size', '65537x64'],
    ['--size', '10x'],
    ['--steps-per-second', '0'],
    ['--steps-per-second', '1e4'],
    ['--frames-per-second', '61'],
    ['--epsilon', '33'],
    ['--garden', '10001'],
    ['--random-seed', '4294967296'],
    ['--save-seconds', '0.5'],
    ['--data-dir', ' '],
    ['--trust-proxy', '17'],
    ['--trust-proxy', 'yes'],
  ])('%s %s is refused by name', (flag, value) => {
    const faults = faultsOf([flag, value]);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(flag);
    expect(faults[0]).toContain(`"${value}"`);
  });

  test('every bad field is named in one error, unknown flags too', () => {
    const faults = faultsOf(['--prot', '80', '--size', '1', '--epsilon'], {
      REGROW_GARDEN: 'many',
      REGROW_PORT: 'x',
    });
    expect(faults).toHaveLength(5);
    const all = faults.join('\n');
    for (const name of ['--prot', '--size', '--epsilon', 'REGROW_GARDEN', 'REGROW_PORT'])
      expect(all).toContain(name);
  });

  test('a flag given twice and a word without a flag are refused', () => {
    expect(faultsOf(['--port', '1', '--port', '2'])[0]).toContain('twice');
    expect(faultsOf(['port'])[0]).toContain('no such flag');
  });
});

test('the help lists every setting with its flag, variable, default and range', () => {
  const help = helpText();
  for (const part of [
    '--steps-per-second',
    'REGROW_STEPS_PER_SECOND',
    '0.1..1000',
    '1024x1024',
    '--save-seconds',
  ])
    expect(help).toContain(part);
  expect(wantsHelp(['--port', '1', '--help'])).toBe(true);
  expect(wantsHelp([])).toBe(false);
});

describe('roles', () => {
  const broker = ['--nats', 'nats://user:secret@10.0.0.1:4222'];

  test('need what they need, and the errors say what', () => {
    expect(faultsOf(['--role', 'world'])).toEqual(['--role world needs --nats or --meet']);
    expect(faultsOf(['--role', 'relay'])).toEqual([
      '--role relay needs --nats or --meet',
      '--role relay needs --relay-of',
    ]);
    expect(faultsOf(['--relay-of', 'meadow'])).toEqual(['--relay-of is for --role relay']);
    expect(faultsOf([...broker, '--role', 'relay', '--relay-of', 'meadow'])).toEqual([]);
    expect(faultsOf([...broker, '--role', 'world', '--world', 'meadow'])).toEqual([]);
  });

  test('a broker is named by URLs, of which errors repeat nothing', () => {
    expect(faultsOf(['--nats', 'tls://a:4222, nats://b'])).toEqual([]);
    for (const url of ['http://user:secret@a', 'nats://', 'nats://user:secret@a/path', 'a:4222'])
      expect(faultsOf(['--nats', url])).toEqual(['--nats: what was given is not nats://host:port,…']);
  });

  test('a store needs blobs, and what is for a store needs one', () => {
    const store = ['--store', 'postgres://user:secret@db/regrow'];
    expect(faultsOf([...store, '--blobs', '/mnt/blobs', '--spare', 'yes'])).toEqual([]);
    expect(faultsOf(store)).toEqual(['--store needs --blobs']);
    expect(faultsOf(['--blobs', '/mnt/blobs', '--spare', 'yes'])).toEqual([
      '--blobs is for --store',
      '--spare is for --store',
    ]);
    expect(faultsOf(['--role', 'worker'])).toEqual(['--role worker needs --store']);
    expect(faultsOf(['--tuner-at', 'workers'])).toEqual(['--tuner-at workers needs --store']);
    expect(faultsOf([...store, '--blobs', 's3://bucket/worlds'])).toEqual([
      '--blobs s3://… needs --s3-key and --s3-secret',
    ]);
    const keys = ['--s3-key', 'KEY', '--s3-secret', 'SECRET'];
    expect(faultsOf([...store, '--blobs', 's3://bucket/worlds', ...keys])).toEqual([]);
  });

  test.each(['http://user:secret@db/regrow', 'postgres://user:secret@db', 'user:secret'])(
    'a store is not at %s, and the error does not repeat it',
    (url) => {
      expect(faultsOf(['--store', url, '--blobs', 'b'])).toEqual([
        '--store: what was given is not postgres://user:password@host:port/database',
      ]);
    },
  );

  test('worlds and relays of one machine meet in a folder, or at a broker, not both', () => {
    expect(faultsOf(['--role', 'world', '--meet', 'here'])).toEqual([]);
    expect(faultsOf(['--role', 'relay', '--relay-of', '*', '--meet', 'here'])).toEqual([]);
    expect(faultsOf(['--meet', 'here'])).toEqual(['--meet is for --role world and --role relay']);
    expect(faultsOf([...broker, '--role', 'world', '--meet', 'here'])).toEqual([
      '--nats and --meet are two ways: one is enough',
    ]);
  });

  test('several worlds are of one command, on one machine', () => {
    expect(faultsOf(['--worlds', 'meadow,reef'])).toEqual([]);
    expect(faultsOf([...broker, '--role', 'world', '--worlds', 'meadow'])).toEqual([
      '--worlds is for --role all',
      '--worlds is for one machine: over --nats, each world is started with --role world',
    ]);
    expect(faultsOf(['--worlds', 'meadow,reef', '--world', 'meadow', '--title', 'A meadow'])).toEqual([
      '--world names one world, and --worlds several: give one of them',
      '--title is for one world: people read the names of --worlds',
    ]);
  });

  const RULE = 'letters a-z, digits and -, no - at an end';
  test.each(['a.b', 'A', 'a_b', '-a', 'a-', 'ä', '', 'a'.repeat(33), '../a', 'a b'])(
    'a world is not called "%s", wherever it is named',
    (name) => {
      expect(faultsOf([`--world=${name}`])).toEqual([`--world "${name}" is not 1..32 ${RULE}`]);
      const relay = ['--role', 'relay', ...broker];
      const of = `*, or at most 64 different names (1..32 ${RULE}), with commas`;
      expect(faultsOf([...relay, `--relay-of=meadow,${name}`])).toEqual([
        `--relay-of "meadow,${name}" is not ${of}`,
      ]);
      const worlds = `none, or at most 16 different names (1..32 ${RULE}), with commas`;
      expect(faultsOf([`--worlds=meadow,${name}`])).toEqual([`--worlds "meadow,${name}" is not ${worlds}`]);
    },
  );

  test.each(['sessions', 'mature', 'tuner', 'nursery', 'guest-key'])(
    'none of several worlds is called %s, because a data directory has something of that name',
    (name) => {
      expect(faultsOf([`--worlds=meadow,${name}`])).toEqual([
        `--worlds cannot have a world called ${name}: a data directory keeps other things under that name. Choose another one, and rename its folder if it is there`,
      ]);
      expect(faultsOf([`--world=${name}`])).toEqual([]);
    },
  );

  test('no world is named twice, and there are no more than a machine or a relay can have', () => {
    const many = (n: number): string => Array.from({ length: n }, (_, i) => `w${i}`).join(',');
    expect(faultsOf(['--worlds', many(16)])).toEqual([]);
    for (const worlds of ['reef,reef', many(17)])
      expect(faultsOf(['--worlds', worlds])).toEqual([
        `--worlds "${worlds}" is not none, or at most 16 different names (1..32 ${RULE}), with commas`,
      ]);
  });

  test('the title of a world is its name in words, unless somebody has said', () => {
    expect(readConfig(['--world', 'coral-reef'], {}).title).toBe('Coral reef');
    expect(readConfig(['--world', 'reef', '--title', 'The Reef'], {}).title).toBe('The Reef');
    const bad = ['x'.repeat(61), ' Reef', 'Re\u202eef', 'a\nb'];
    for (const title of bad)
      expect(faultsOf([`--title=${title}`])).toEqual([`--title "${title}" is not 1..60 characters`]);
  });

  test('a command line for another process says some things anew, and the rest as before', () => {
    const argv = ['--worlds', 'a,b', '--port=80', '--data-dir', 'd', '--relays', '2', '--role'];
    expect(argvWith(argv, { worlds: 'none', 'data-dir': 'd/a', role: 'world' })).toEqual([
      '--port=80',
      '--relays',
      '2',
      '--worlds=none',
      '--data-dir=d/a',
      '--role=world',
    ]);
  });
});
