import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../engines/fixtures.ts';
import { getsWorse, type Point, trendOf } from './trend.ts';

const draw = seededRandom(11);
const noise = (size: number): number => (draw() - 0.5) * size;
/** An hour of samples, one every 18 s. */
const hour = (
  value: (hours: number, bodies: number) => number,
  bodiesAt: (hours: number) => number,
): Point[] =>
  Array.from({ length: 200 }, (_, i) => {
    const hours = i / 200;
    const bodies = bodiesAt(hours);
    return { hours, bodies, value: value(hours, bodies) };
  });
/** Planted in two bursts: not in step with time. */
const inBursts = (hours: number): number => 48 + (hours > 0.3 ? 20 : 0) + (hours > 0.5 ? 12 : 0);

describe('trendOf', () => {
  test('finds the slope of a line to rounding', () => {
    const trend = trendOf(hour((hours) => 40 + 6 * hours, inBursts))!;
    expect(trend.perHour).toBeCloseTo(6, 9);
    expect(trend.perHourBesideBodies).toBeCloseTo(6, 9);
    expect(trend.standardError).toBeCloseTo(0, 6);
  });

  test('a figure that follows the bodies has a slope over time and none beside them', () => {
    const trend = trendOf(hour((_hours, bodies) => 0.8 * bodies + noise(1), inBursts))!;
    expect(trend.perHour).toBeGreaterThan(20);
    expect(Math.abs(trend.perHourBesideBodies!)).toBeLessThan(3 * trend.standardError!);
  });

  test('a leak is found although planted bodies raise the figure too', () => {
    const trend = trendOf(hour((hours, bodies) => 0.8 * bodies + 9 * hours + noise(1), inBursts))!;
    expect(trend.perHourBesideBodies).toBeGreaterThan(8);
    expect(trend.perHourBesideBodies).toBeLessThan(10);
  });

  test('the standard error covers the noise: most of 100 flat figures lie within two of zero', () => {
    const within = Array.from({ length: 100 }, () => trendOf(hour(() => noise(10), inBursts))!).filter(
      ({ perHourBesideBodies, standardError }) => Math.abs(perHourBesideBodies!) < 2 * standardError!,
    ).length;
    expect(within).toBeGreaterThan(85);
    expect(within).toBeLessThan(100);
  });

  test('bodies that never change in number leave the slope over time as it is', () => {
    const trend = trendOf(
      hour(
        (hours) => 5 * hours + noise(0.1),
        () => 48,
      ),
    )!;
    expect(trend.perHourBesideBodies).toBe(trend.perHour);
    expect(trend.standardError).toBeGreaterThan(0);
  });

  test('the slope beside bodies is null when bodies grow in step with time', () => {
    const trend = trendOf(
      hour(
        (hours) => 5 * hours,
        (hours) => 48 + 100 * hours,
      ),
    )!;
    expect(trend).toEqual({ perHour: expect.closeTo(5, 9), perHourBesideBodies: null, standardError: null });
  });

  test('fewer than 24 samples have no slope', () => {
    const all = hour((hours) => hours, inBursts);
    expect(trendOf(all.slice(0, 23))).toBeNull();
    expect(trendOf(all.slice(0, 24))).not.toBeNull();
    expect(trendOf([])).toBeNull();
  });
});

describe('getsWorse', () => {
  const trend = (perHourBesideBodies: number, standardError: number) => ({
    perHour: 0,
    perHourBesideBodies,
    standardError,
  });
  test.each([
    ['a tenth of its level, surely', trend(10, 1), true],
    ['a tenth of its level, within the noise', trend(10, 4), false],
    ['surely, but a twentieth of its level at most', trend(5, 0.1), false],
    ['the good direction', trend(-10, 1), false],
  ])('up by %s', (_name, of, expected) => {
    expect(getsWorse(of, 100, 1, 'up')).toBe(expected);
    expect(getsWorse({ ...of, perHourBesideBodies: -of.perHourBesideBodies }, 100, 1, 'down')).toBe(expected);
  });

  test('the drift is the slope times the hours', () => {
    expect(getsWorse(trend(8, 0.1), 100, 1, 'up')).toBe(true);
    expect(getsWorse(trend(8, 0.1), 100, 0.5, 'up')).toBe(false);
  });

  test('null where the noise could hide a quarter of the level', () => {
    expect(getsWorse(trend(0, 8), 100, 1, 'up')).toBe(false);
    expect(getsWorse(trend(0, 9), 100, 1, 'up')).toBeNull();
    expect(getsWorse(trend(0, 9), 100, 0.5, 'up')).toBe(false);
    expect(getsWorse(trend(60, 9), 100, 1, 'up')).toBe(true);
  });

  test('null without a trend, and where bodies grow in step with time', () => {
    expect(getsWorse(null, 100, 1, 'up')).toBeNull();
    const asBodies = { perHour: 50, perHourBesideBodies: null, standardError: null };
    expect(getsWorse(asBodies, 100, 1, 'up')).toBeNull();
  });
});
