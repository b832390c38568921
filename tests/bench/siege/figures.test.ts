import { describe, expect, test } from 'vitest';
import type { Body } from '../soak/sizes.ts';
import {
  barsOf,
  type HonestWindow,
  isBack,
  type Level,
  levelOf,
  missing,
  mostWaitMs,
  type Outcome,
  quantile,
  shareOf,
  stacksIn,
  uncaughtIn,
} from './figures.ts';

const body = (id: number, x: number, species = 'mew'): Body => ({
  id,
  species,
  x,
  y: 50,
  cells: 500,
  health: 1,
  planter: '',
});

describe('quantile', () => {
  test('is the value of the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1)]).toEqual([50, 99, 100]);
    expect(quantile([7], 0.99)).toBe(7);
  });

  test('of nothing is null', () => {
    expect(quantile([], 0.5)).toBeNull();
  });
});

describe('missing', () => {
  const before = [body(1, 100), body(2, 200), body(3, 300)];

  test('nobody is missing from a world that is as it was', () => {
    expect(missing(before, before)).toEqual([]);
  });

  test('a body that has grown again at its place is not missing, whatever its id', () => {
    expect(missing(before, [body(1, 100), body(9, 201), body(3, 300)])).toEqual([]);
  });

  test('a body whose seed still waits is missing, and one that dissolves', () => {
    const waiting = { ...body(2, 200), absence: 'died' };
    const dissolving = { ...body(3, 300), absence: 'wilting' };
    expect(missing(before, [body(1, 100), waiting, dissolving])).toEqual([before[1], before[2]]);
  });

  test('a body of another species at its place does not stand for it', () => {
    expect(missing(before, [body(1, 100), body(9, 200, 'eevee'), body(3, 300)])).toEqual([before[1]]);
  });

  test('a body of its species elsewhere does not stand for it', () => {
    expect(missing(before, [body(9, 110)])).toEqual(before);
  });
});

describe('levelOf', () => {
  const looks = (value: (seconds: number) => number) =>
    Array.from({ length: 131 }, (_, atSeconds) => ({
      atSeconds,
      descriptors: value(atSeconds),
      rssMiB: 100,
      processorSeconds: 1.2 * atSeconds,
      waitedSeconds: 0.1 * atSeconds,
      othersSeconds: 0,
    }));

  test('a steady figure has no drift and no slope', () => {
    const level = levelOf(
      looks(() => 50),
      'descriptors',
      20,
      120,
    );
    expect(level).toEqual({
      before: 50,
      start: 50,
      end: 50,
      max: 50,
      after: 50,
      slopePercentPerMinute: 0,
      driftPercent: 0,
    });
  });

  test('a leak shows as drift and slope, and in what is left after the attack', () => {
    const level = levelOf(
      looks((seconds) => (seconds < 20 ? 40 : Math.min(140, seconds + 20))),
      'descriptors',
      20,
      120,
    );
    expect(level.before).toBe(40);
    expect(level.after).toBe(140);
    // From second 30 on: the first fifth of 90 s has the mean 59, the last 131.
    expect(level.start).toBeCloseTo(59, 0);
    expect(level.end).toBeCloseTo(131, 0);
    expect(level.driftPercent).toBeGreaterThan(100);
    expect(level.slopePercentPerMinute).toBeCloseTo(6_000 / 59, 0);
  });

  test('what the attack takes in its first tenth is no drift', () => {
    const level = levelOf(
      looks((seconds) => (seconds < 25 ? 40 : 90)),
      'descriptors',
      20,
      120,
    );
    expect(level).toMatchObject({ before: 40, start: 90, end: 90, max: 90, driftPercent: 0 });
  });

  test('of a server that ended before the first look is zero throughout', () => {
    expect(levelOf([], 'rssMiB', 0, 10)).toMatchObject({ before: 0, end: 0, after: 0, driftPercent: 0 });
  });
});

describe('shareOf', () => {
  const look = (atSeconds: number, processorSeconds: number, waitedSeconds: number) => ({
    atSeconds,
    descriptors: 1,
    rssMiB: 1,
    processorSeconds,
    waitedSeconds,
    othersSeconds: 0.2 * atSeconds,
  });
  const looks = [look(0, 5, 1), look(10, 11, 2), look(20, 31, 12)];

  test('is what was taken and waited for between the first and the last look within the time', () => {
    expect(shareOf(looks, 0, 10)).toEqual({ processorPercent: 60, waitedPercent: 10, othersPercent: 20 });
    expect(shareOf(looks, 10, 25)).toEqual({ processorPercent: 200, waitedPercent: 100, othersPercent: 20 });
  });

  test('of fewer than two looks is null', () => {
    expect(shareOf(looks, 5, 15)).toBeNull();
    expect(shareOf([], 0, 10)).toBeNull();
  });
});

const level = (driftPercent = 0, after = 45): Level => ({
  before: 45,
  start: 50,
  end: 50,
  max: 50,
  after,
  slopePercentPerMinute: 0,
  driftPercent,
});

const window = (p99Ms: number | null, stepsPerSecond: number | null, seconds = 20): HonestWindow => ({
  seconds,
  strokes: { count: 400, lost: 0, p50Ms: 12, p99Ms, maxMs: p99Ms },
  stepsPerSecond,
  framesPerSecond: 20,
  loopDelayMs: { p50: 0, p99: 1, max: 2 },
  refused: {},
  errors: {},
  regulars: { admin: { tries: 6, served: 6, slowestMs: 20, refusals: {} } },
});

const outcome = (part: Partial<Outcome> = {}): Outcome => ({
  calm: window(40, 30),
  attack: window(130, 24),
  exit: null,
  uncaught: [],
  stacks: [],
  bodies: { before: 58, missing: 0 },
  descriptors: level(),
  rssMiB: level(),
  recoveredSeconds: 4,
  ...part,
});

describe('barsOf', () => {
  const failed = (part: Partial<Outcome>): string[] =>
    Object.entries(barsOf(outcome(part)))
      .filter(([, isMet]) => isMet === false)
      .map(([bar]) => bar);

  test('p99 of twice calm and 50 ms, and 0.8 of the steps, are just met', () => {
    expect(mostWaitMs(40)).toBe(130);
    expect(failed({})).toEqual([]);
  });

  test('each bar is failed by what it names', () => {
    expect(failed({ attack: window(131, 24) })).toEqual(['strokesP99']);
    expect(failed({ attack: window(130, 23.9) })).toEqual(['steps']);
    expect(failed({ bodies: { before: 58, missing: 1 } })).toEqual(['bodies']);
    expect(failed({ descriptors: level(0, 62) })).toEqual(['descriptorsReturned']);
    expect(failed({ uncaught: ['uncaught: x'] })).toEqual(['noCrash']);
    expect(failed({ stacks: ['TypeError: x'] })).toEqual(['noStacks']);
    expect(failed({ recoveredSeconds: null })).toEqual(['recovers']);
    const lockedOut = { admin: { tries: 6, served: 5, slowestMs: 20, refusals: { 429: 1 } } };
    expect(failed({ attack: { ...window(130, 24), regulars: lockedOut } })).toEqual(['adminLogsIn']);
  });

  test('a server that has ended fails what it can no longer keep', () => {
    expect(failed({ exit: 'ended with 1', recoveredSeconds: null })).toEqual([
      'noCrash',
      'bodies',
      'descriptorsReturned',
      'recovers',
    ]);
  });

  test('drift is judged only over a minute or more, in both directions', () => {
    const drifts = { descriptors: level(-6), rssMiB: level(5.1) };
    expect(barsOf(outcome(drifts))).toMatchObject({ descriptorsFlat: null, rssFlat: null });
    expect(failed({ ...drifts, attack: window(130, 24, 60) })).toEqual(['descriptorsFlat', 'rssFlat']);
    expect(failed({ descriptors: level(-5), attack: window(130, 24, 60) })).toEqual([]);
  });

  test('what was not measured is neither met nor failed', () => {
    const blind = { ...window(null, null), regulars: {} };
    expect(barsOf(outcome({ attack: blind }))).toMatchObject({
      strokesP99: null,
      steps: null,
      adminLogsIn: null,
    });
  });
});

describe('isBack', () => {
  const calm = window(40, 30);

  test('needs every body, the steps and the strokes', () => {
    expect(isBack(calm, window(130, 24), 0)).toBe(true);
    expect(isBack(calm, window(130, 24), 1)).toBe(false);
    expect(isBack(calm, window(131, 24), 0)).toBe(false);
    expect(isBack(calm, window(130, 23), 0)).toBe(false);
    expect(isBack(calm, window(null, 30), 0)).toBe(false);
    expect(isBack(calm, window(40, null), 0)).toBe(false);
  });
});

describe('what a server writes', () => {
  test.each(['Error: accept EMFILE', 'the world has died: Error: x', 'uncaught: 7', 'Unhandled rejection'])(
    '%s speaks of an error that nothing handled',
    (line) => {
      expect(uncaughtIn([line])).toEqual([line]);
    },
  );

  test.each([
    'TypeError: undefined is not a function',
    '    at Socket.emit (node:events:524:28)',
    "Error: ENOENT: no such file or directory, open '/x'",
    'http: Error: aborted',
  ])('%s is of an error as bugs are written', (line) => {
    expect(stacksIn([line])).toEqual([line]);
  });

  test.each([
    'the world in data cannot be saved, and refuses strokes: the disk is full',
    'pikachu (organism 12) wilts: it has outgrown its territory',
    '60 wrong tokens from 127.0.4.1 in the last hour',
  ])('%s is neither', (line) => {
    expect([...uncaughtIn([line]), ...stacksIn([line])]).toEqual([]);
  });
});
