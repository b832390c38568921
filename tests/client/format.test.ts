import { describe, expect, test } from 'vitest';
import {
  formatAge,
  formatCount,
  formatHealth,
  formatLatency,
  formatPercent,
  formatRate,
  formatSpecies,
  formatSteps,
} from '../../client/format.ts';
import { moodOf, plotHealth } from '../../client/hud/healthPlot.ts';
import { explainClose, explainRefusal, retryDelayMs } from '../../client/net/reconnect.ts';
import { formatLink, parseLink } from '../../client/scene/deepLink.ts';
import { CloseCode } from '../../shared/protocol.ts';

describe('numbers as a person reads them', () => {
  test.each([
    [0, '0 B/s'],
    [999, '999 B/s'],
    [1_240, '1.2 kB/s'],
    [23_456, '23 kB/s'],
    [999_600, '1.0 MB/s'],
    [Number.NaN, '–'],
  ])('%d bytes per second are %s', (rate, text) => expect(formatRate(rate)).toBe(text));

  test.each([
    [0.4, '0 s'],
    [48, '48 s'],
    [60, '1 min'],
    [200, '3 min 20 s'],
    [7_500, '2 h 5 min'],
    [360_000, '4 d 4 h'],
    [-1, '–'],
  ])('%d seconds are %s', (seconds, text) => expect(formatAge(seconds)).toBe(text));

  test('a count has a comma per thousand', () => expect(formatCount(31_000)).toBe('31,000'));

  test('steps per second have a decimal below 10', () => {
    expect(formatSteps(59.7)).toBe('60');
    expect(formatSteps(7.25)).toBe('7.3');
  });

  test('a latency is at least 1 ms, and a dash when it is unknown', () => {
    expect(formatLatency(0.2)).toBe('1 ms');
    expect(formatLatency(Number.NaN)).toBe('–');
  });

  test('a share is in whole percent; health stays between 0 and 100', () => {
    expect(formatHealth(0.874)).toBe('87');
    expect(formatHealth(1.2)).toBe('100');
    expect(formatPercent(1.204)).toBe('120 %');
    expect(formatPercent(Number.NaN)).toBe('–');
  });

  test('a species is written as a title', () => expect(formatSpecies('mr-mime')).toBe('Mr Mime'));
});

describe('deep links', () => {
  test('are read as they were written, to the cell, and have zoom 6 when they name none', () => {
    expect(parseLink(formatLink({ x: 512.4, y: 80, zoom: 6.25 }))).toEqual({ x: 512, y: 80, zoom: 6.25 });
    expect(parseLink('#10,20')).toEqual({ x: 10, y: 20, zoom: 6 });
  });

  test.each(['', '#', '#a,b,c', '#1', '#1,2,0', '#1,2,-3', '#1,2,3,4', '#NaN,1,1', '#1e9,2,3'])(
    'are not read from %j',
    (hash) => expect(parseLink(hash)).toBeNull(),
  );
});

describe('the plot of health', () => {
  test('has its last sample at the right edge', () => {
    const plot = plotHealth([1, 0.5], 0.25, 240, 100);
    expect(plot?.x).toBe(240);
    expect(plot?.y).toBe(50);
    expect(plot?.line).toBe('M239.0 0.0L240.0 50.0');
  });

  test('shows what is missing from the best health of this minute', () => {
    expect(plotHealth([0.5, 1, 0.2], 30, 100, 10)?.drop).toBe(
      'M0.0 5.0L50.0 0.0L100.0 8.0L100.0 0.0L50.0 0.0L0.0 5.0Z',
    );
  });

  test('shows at most a minute, and is null without samples', () => {
    const plot = plotHealth(new Array(1_000).fill(1), 0.25, 240, 100);
    expect(plot?.line.startsWith('M0.0 ')).toBe(true);
    expect(plotHealth([], 0.25, 240, 100)).toBeNull();
  });

  const low = new Array(9).fill(0.3);
  test.each<[string, number[], boolean, string]>([
    ['whole', [1, 1, 1], false, 'well'],
    ['falling', [1, 1, 0.5], false, 'hurt'],
    ['rising, and was better', [1, ...low, 0.4], false, 'healing'],
    ['low and standing still', [1, ...low, 0.3], false, 'hurt'],
    ['not low and standing still', [1, ...low, 0.6, ...new Array(9).fill(0.6)], false, 'healing'],
    ['rising, and was never better', [0.1, 0.2, 0.3], false, 'growing'],
    ['that wilts', [0.1, 0.2, 0.3], true, 'wilting'],
  ])('says of health that is %s: %j', (_what, history, isWilting, mood) => {
    expect(moodOf(history, 0.25, history.at(-1)!, isWilting)).toBe(mood);
  });
});

describe('a lost connection', () => {
  test('is tried again after a wait that doubles from 0.5 s to 10 s, ±25 %', () => {
    expect(retryDelayMs(0, 0.5)).toBe(500);
    expect(retryDelayMs(1, 0.5)).toBe(1_000);
    expect(retryDelayMs(0, 0)).toBe(375);
    expect(retryDelayMs(99, 1)).toBe(12_500);
  });

  test('has a text of its own for every close code of ours', () => {
    const texts = Object.values(CloseCode).map((code) => explainClose(code).text);
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts).not.toContain(explainClose(1006).text);
  });

  test('is explained in the server’s words when it answered, else as a server that cannot be reached', () => {
    const full = Object.assign(new Error('the world is full'), { code: 503 });
    expect(explainRefusal(full).text).toBe('The world is full.');
    expect(explainRefusal(new TypeError('fetch failed')).text).toBe('The world cannot be reached.');
  });
});
