import { describe, expect, test } from 'vitest';
import {
  formatAge,
  formatCount,
  formatHealth,
  formatLatency,
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
  ])('%d bytes a second are %s', (rate, text) => expect(formatRate(rate)).toBe(text));

  test.each([
    [0.4, '0 s'],
    [48, '48 s'],
    [60, '1 min'],
    [200, '3 min 20 s'],
    [7_500, '2 h 5 min'],
    [360_000, '4 d 4 h'],
    [-1, '–'],
  ])('%d seconds are %s', (seconds, text) => expect(formatAge(seconds)).toBe(text));

  test('the rest', () => {
    expect(formatCount(31_000)).toBe('31,000');
    expect(formatSteps(59.7)).toBe('60');
    expect(formatSteps(7.25)).toBe('7.3');
    expect(formatLatency(0.2)).toBe('1 ms');
    expect(formatLatency(Number.NaN)).toBe('–');
    expect(formatHealth(0.874)).toBe('87');
    expect(formatHealth(1.2)).toBe('100');
    expect(formatSpecies('mr-mime')).toBe('Mr Mime');
  });
});

describe('deep links', () => {
  test('go both ways', () => {
    expect(parseLink(formatLink({ x: 512.4, y: 80, zoom: 6.25 }))).toEqual({ x: 512, y: 80, zoom: 6.25 });
    expect(parseLink('#10,20')).toEqual({ x: 10, y: 20, zoom: 6 });
  });

  test.each(['', '#', '#a,b,c', '#1', '#1,2,0', '#1,2,-3', '#1,2,3,4', '#NaN,1,1', '#1e9,2,3'])(
    '%j is none',
    (hash) => expect(parseLink(hash)).toBeNull(),
  );
});

describe('the plot of health', () => {
  test('the last sample stands at the right edge, at its height', () => {
    const plot = plotHealth([1, 0.5], 0.25, 240, 100);
    expect(plot?.x).toBe(240);
    expect(plot?.y).toBe(50);
    expect(plot?.line).toBe('M239.0 0.0L240.0 50.0');
  });

  test('what is missing is measured from the best of this minute', () => {
    expect(plotHealth([0.5, 1, 0.2], 30, 100, 10)?.drop).toBe(
      'M0.0 5.0L50.0 0.0L100.0 8.0L100.0 0.0L50.0 0.0L0.0 5.0Z',
    );
  });

  test('no more than a minute, and nothing of nothing', () => {
    const plot = plotHealth(new Array(1_000).fill(1), 0.25, 240, 100);
    expect(plot?.line.startsWith('M0.0 ')).toBe(true);
    expect(plotHealth([], 0.25, 240, 100)).toBeNull();
  });

  test('health in a word', () => {
    expect(moodOf([1, 1, 1], 0.25, 1)).toBe('well');
    expect(moodOf([1, 1, 0.5], 0.25, 0.5)).toBe('hurt');
    expect(moodOf([1, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.4], 0.25, 0.4)).toBe('healing');
    expect(moodOf([1, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3], 0.25, 0.3)).toBe('hurt');
    expect(moodOf([0.1, 0.2, 0.3], 0.25, 0.3)).toBe('growing');
    expect(moodOf([0.1, 0.2, 0.3], 0.25, 0.3, true)).toBe('wilting');
  });
});

describe('a lost connection', () => {
  test('the wait doubles, with a spread, to a bound', () => {
    expect(retryDelayMs(0, 0.5)).toBe(500);
    expect(retryDelayMs(1, 0.5)).toBe(1_000);
    expect(retryDelayMs(0, 0)).toBe(375);
    expect(retryDelayMs(99, 1)).toBe(12_500);
  });

  test('every close code of ours says something of its own', () => {
    const texts = Object.values(CloseCode).map((code) => explainClose(code).text);
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts).not.toContain(explainClose(1006).text);
  });

  test('a refusal is told in the server’s words, silence in ours', () => {
    const full = Object.assign(new Error('the world is full'), { code: 503 });
    expect(explainRefusal(full).text).toBe('The world is full.');
    expect(explainRefusal(new TypeError('fetch failed')).text).toBe('The world cannot be reached.');
  });
});
