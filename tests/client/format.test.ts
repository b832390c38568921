import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  formatAge,
  formatCount,
  formatHealth,
  formatLatency,
  formatPercent,
  formatRate,
  formatRoughAge,
  formatSpecies,
  formatSteps,
  formatWhen,
} from '../../client/format.ts';

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

  test.each([
    [0.4, '0 s'],
    [59.9, '59 s'],
    [200, '3 min'],
    [360_000, '4 d'],
    [Number.NaN, '–'],
  ])('%d seconds are roughly %s', (seconds, text) => expect(formatRoughAge(seconds)).toBe(text));

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

describe('a moment is told', () => {
  afterEach(() => void vi.useRealTimers());

  test('by the time of day if it was today, else by the date', () => {
    vi.useFakeTimers({ now: new Date(2026, 10, 25, 14, 30) });
    expect(formatWhen(new Date(2026, 10, 25, 9, 5, 7).toISOString())).toBe('09:05:07');
    expect(formatWhen(new Date(2026, 10, 24, 9, 5).toISOString())).toBe('24/11/2026');
  });
});
