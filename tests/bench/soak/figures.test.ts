import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../engines/fixtures.ts';
import { backSeconds, figureOf, steadiness } from './figures.ts';
import type { Phase, Sample } from './sampler.ts';

const sample = (phase: Phase, atSeconds: number, changed: Partial<Sample> = {}): Sample => ({
  phase,
  atSeconds,
  bodies: 48,
  cells: 48_000,
  matureCells: 48_000,
  livingOverMature: 1,
  largestOverMature: 1,
  stepsPerSecond: 30,
  framesPerSecond: 20,
  bytesPerSecond: 100_000,
  processorPercent: 40,
  processorMsPerStep: 40 / 3,
  childrenPercent: 0,
  rssMiB: 200,
  heapMiB: null,
  descriptors: 60,
  dataDirMiB: 3,
  ...changed,
});

/** A minute untouched, ten with bots, a minute after; one sample every two seconds. */
function run(changed: (phase: Phase, atSeconds: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: 360 }, (_, i) => {
    const atSeconds = 2 * (i + 1);
    const phase = atSeconds <= 60 ? 'untouched' : atSeconds <= 660 ? 'played' : 'after';
    return sample(phase, atSeconds, changed(phase, atSeconds));
  });
}

describe('figureOf', () => {
  test('tells the levels before, at the start, at the end and after, and the largest between', () => {
    const figure = figureOf(
      run((phase, atSeconds) => ({
        processorPercent: { untouched: 30, played: atSeconds / 10, after: atSeconds < 690 ? 99 : 31 }[phase],
      })),
      'processorPercent',
    );
    expect(figure).toMatchObject({ untouched: 30, after: 31, max: 66 });
    // A minute from when a tenth of the time with bots is over, and the last one.
    expect(figure.start).toBeCloseTo((122 + 182) / 20, 6);
    expect(figure.end).toBeCloseTo((600 + 660) / 20, 6);
    expect(figure.perHour).toBeCloseTo(360, 6);
  });

  test('a figure that was never measured is null, and so is the slope of a short run', () => {
    expect(
      figureOf(
        run(() => ({})),
        'heapMiB',
      ),
    ).toEqual({
      untouched: null,
      start: null,
      end: null,
      after: null,
      max: null,
      perHour: null,
      perHourBesideBodies: null,
      standardError: null,
    });
    expect(figureOf(run(() => ({})).slice(0, 45), 'rssMiB')).toMatchObject({ start: 200, perHour: null });
  });
});

describe('steadiness', () => {
  const draw = seededRandom(2);
  const around = (level: number): number => level * (0.95 + 0.1 * draw());

  test('a level world is steady in everything', () => {
    const steady = steadiness(run(() => ({ rssMiB: around(200), bytesPerSecond: around(1e5) })));
    expect(steady).toEqual({
      stepsPerSecond: true,
      bytesPerSecond: true,
      processorPercent: true,
      rssMiB: true,
      descriptors: true,
    });
  });

  test('only the figure that leaks is not steady', () => {
    const steady = steadiness(
      run((_phase, at) => ({ rssMiB: around(200) + at / 10, descriptors: 60 + at / 20 })),
    );
    expect(steady).toMatchObject({ rssMiB: false, descriptors: false, bytesPerSecond: true });
  });

  test('steps may rise and must not fall', () => {
    expect(steadiness(run((_phase, at) => ({ stepsPerSecond: 20 + at / 60 }))).stepsPerSecond).toBe(true);
    expect(steadiness(run((_phase, at) => ({ stepsPerSecond: 30 - at / 60 }))).stepsPerSecond).toBe(false);
  });

  test('a figure that grows with the number of bodies is steady', () => {
    const grows = run((_phase, at) => {
      const bodies = at > 300 ? 90 : 48;
      return { bodies, processorPercent: around(bodies) };
    });
    expect(steadiness(grows).processorPercent).toBe(true);
  });

  test('is null for a run that is too short', () => {
    expect(steadiness(run(() => ({})).slice(0, 45)).rssMiB).toBeNull();
  });
});

describe('backSeconds', () => {
  const falling = (untilSeconds: number, changed: Partial<Sample> = {}): Sample[] =>
    run((phase, at) => {
      const processorPercent = phase === 'untouched' || at > untilSeconds ? 40 : 80;
      return {
        processorPercent,
        processorMsPerStep: processorPercent / 3,
        ...(phase === 'after' ? changed : {}),
      };
    });

  test('is from the last leaving to the first sample of those at the untouched level', () => {
    expect(backSeconds(falling(680), 660, false)).toBe(22);
    expect(backSeconds(falling(0), 660, false)).toBe(2);
  });

  test('is null while the processor stays up', () => {
    expect(backSeconds(falling(1_000), 660, false)).toBeNull();
  });

  test('needs more than one quiet sample', () => {
    const samples = falling(1_000).map((one) => {
      return one.atSeconds === 680 ? { ...one, processorPercent: 30 } : one;
    });
    expect(backSeconds(samples, 660, false)).toBeNull();
  });

  test('needs a quiet stretch that lasts to the end', () => {
    const samples = falling(0).map((one) => (one.atSeconds > 690 ? { ...one, processorPercent: 80 } : one));
    expect(backSeconds(samples, 660, false)).toBeNull();
  });

  test('per cell, a world of twice the bodies may cost twice as much', () => {
    expect(backSeconds(falling(1_000, { matureCells: 96_000 }), 660, true)).toBe(2);
    expect(backSeconds(falling(1_000, { matureCells: 96_000 }), 660, false)).toBeNull();
  });

  test('per cell, a machine that steps half as fast at the same cost of a step is back', () => {
    const starved = { processorPercent: 20, processorMsPerStep: 40 / 3 };
    expect(backSeconds(falling(1_000, starved), 660, true)).toBe(2);
    expect(
      backSeconds(falling(1_000, { processorPercent: 40, processorMsPerStep: 80 / 3 }), 660, true),
    ).toBeNull();
  });
});
