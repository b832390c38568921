/**
 * `npm run bench -- bounds [--only GLOB]… [--limit 60] [--minutes 60] [--random-seed n] [--json]`: halves and doubles
 * each named bound (`MAX_NAME`, `NEARLY_WHOLE`, `SICK.seconds`), one at a time, in a copy of the repository, and runs
 * the tests that mirror its file. A bound that no test misses when it is halved, nor when it is doubled, has survived.
 */
import { spawn } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../engines/fixtures.ts';
import { scratchCopy } from '../scratchCopy.ts';
import { type Bound, boundsIn, CHANGES, type Change, changed, mirrorsOf, withValue } from './bounds/find.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    /** Files, as a glob from the root; may be given several times. */
    only: { type: 'string', multiple: true, default: ['{server,client,shared}/**/*.ts'] },
    /** Seconds that one run of tests may take; it also ends after five times its time without a change. */
    limit: { type: 'string', default: '60' },
    /** Minutes for all. What was not tried until then is counted. */
    minutes: { type: 'string', default: '60' },
    /** Decides the order, so that an hour's tries are a fair sample. */
    'random-seed': { type: 'string', default: '1' },
  },
});

/** Shortest limit of a run. A machine that is busy elsewhere must not pass for a failing test. */
const MIN_LIMIT_MS = 15_000;
const SLOWER = 5;

/** `late`: the tests did not end, so somebody would notice. */
type Outcome = 'caught' | 'survived' | 'late';
/** An outcome for each change of a bound that was tried. */
type Tried = { file: string; name: string; value: number; tests: string[] } & Partial<
  Record<Change, Outcome>
>;

function number(name: 'limit' | 'minutes' | 'random-seed', min: number, max: number): number {
  const value = Number(values[name]);
  if (value >= min && value <= max) return value;
  console.error(`--${name} must be a number from ${min} to ${max}, not "${values[name]}"`);
  process.exit(1);
}
const limitMs = number('limit', 1, 3_600) * 1_000;
const randomSeed = number('random-seed', 0, 0xffff_ffff);
const endMs = performance.now() + number('minutes', 0.1, 24 * 60) * 60_000;

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));

/** Runs tests in the copy. */
function run(path: string, tests: readonly string[], runLimitMs: number): Promise<Outcome> {
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--bail', '1', ...tests], {
    cwd: path,
    stdio: 'ignore',
    // A group of its own, so that the workers of a run that hangs end with it.
    detached: true,
  });
  return new Promise((resolve, reject) => {
    let isLate = false;
    const kill = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, runLimitMs);
    interrupted.signal.addEventListener('abort', kill);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      interrupted.signal.removeEventListener('abort', kill);
      if (interrupted.signal.aborted) reject(interrupted.signal.reason as Error);
      else resolve(isLate ? 'late' : code === 0 ? 'survived' : 'caught');
    });
  });
}

function shuffle<T>(list: readonly T[]): T[] {
  const random = seededRandom(randomSeed);
  return list
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

const tell = (text: string): void => console.error(`bounds: ${text}`);

/** Files without bounds are left out. */
function sources(path: string): { file: string; text: string; bounds: Bound[] }[] {
  return globSync(values.only, { cwd: path, exclude: ['**/assembly/**', 'tests/**', 'node_modules/**'] })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(path, file), 'utf8') }))
    .map(({ file, text }) => ({ file, text, bounds: boundsIn(text) }))
    .filter(({ bounds }) => bounds.length > 0);
}

async function measure(path: string) {
  const allTests = new Map(
    globSync('tests/**/*.test.ts', { cwd: path, exclude: ['tests/browser/**'] })
      .sort()
      .map((test) => [test, readFileSync(join(path, test), 'utf8')]),
  );
  const tried: Tried[] = [];
  const skipped: { file: string; reason: string }[] = [];
  let untried = 0;
  /** By the list of tests: how long a run may take; null when it fails without any change. */
  const limits = new Map<string, number | null>();
  const limitOf = async (tests: readonly string[]): Promise<number | null> => {
    const key = tests.join(' ');
    if (!limits.has(key)) {
      const startMs = performance.now();
      const isGreen = (await run(path, tests, limitMs)) === 'survived';
      const tookMs = performance.now() - startMs;
      limits.set(key, isGreen ? Math.min(limitMs, Math.max(MIN_LIMIT_MS, SLOWER * tookMs)) : null);
    }
    return limits.get(key) ?? null;
  };

  for (const { file, text, bounds } of shuffle(sources(path))) {
    const tests = mirrorsOf(file, allTests);
    const isOver = performance.now() > endMs;
    const runLimitMs = isOver || tests.length === 0 ? null : await limitOf(tests);
    if (isOver) {
      untried += bounds.length;
      continue;
    }
    if (runLimitMs === null) {
      const reason =
        tests.length === 0 ? 'no test mirrors it' : 'its tests fail, or are late, without a change';
      skipped.push({ file, reason });
      continue;
    }
    for (const bound of shuffle(bounds)) {
      const one: Tried = { file, name: bound.name, value: bound.value, tests };
      for (const change of CHANGES) {
        if (performance.now() > endMs) break;
        writeFileSync(join(path, file), withValue(text, bound, changed(bound.value, change)));
        one[change] = await run(path, tests, runLimitMs);
      }
      if (CHANGES.every((change) => one[change] !== undefined)) {
        tried.push(one);
        tell(`${file} ${one.name}: halved ${one.halved}, doubled ${one.doubled}`);
      } else untried++;
    }
    // The next file's tests need this one as it was.
    writeFileSync(join(path, file), text);
  }
  const survived = tried.filter((one) => CHANGES.every((change) => one[change] === 'survived'));
  return { randomSeed, tried, survived, skipped, untried };
}

const copy = scratchCopy();
try {
  const { tried, survived, skipped, untried, ...settings } = await measure(copy.path);
  const label = ({ file, name, value }: Tried): string => `${file} ${name} = ${value}`;
  if (values.json) {
    const named = survived.map(({ file, name, value }) => ({ file, name, value }));
    console.log(JSON.stringify({ ...settings, tried, survived: named, skipped, untried }, undefined, 2));
  } else {
    for (const change of CHANGES)
      for (const one of tried)
        if (one[change] === 'survived' && !survived.includes(one))
          console.log(`only ${change}: ${label(one)}`);
    for (const one of survived) console.log(`survived: ${label(one)}`);
    for (const { file, reason } of skipped) console.log(`skipped: ${file}: ${reason}`);
    console.log(`${survived.length} of ${tried.length} bounds survived; ${untried} were not tried`);
  }
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  console.error(`bounds: ${(error as Error).message}`);
  process.exitCode = 130;
} finally {
  copy.dispose();
}
