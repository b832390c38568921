import { describe, expect, test } from 'vitest';
import { moodOf, plotHealth } from '../../../client/hud/healthPlot.ts';
import type { Absence } from '../../../shared/protocol.ts';

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
  test.each<[string, number[], Absence | null, string]>([
    ['whole', [1, 1, 1], null, 'well'],
    ['falling', [1, 1, 0.5], null, 'hurt'],
    ['rising, and was better', [1, ...low, 0.4], null, 'healing'],
    ['low and standing still', [1, ...low, 0.3], null, 'hurt'],
    ['not low and standing still', [1, ...low, 0.6, ...new Array(9).fill(0.6)], null, 'healing'],
    ['rising, and was never better', [0.1, 0.2, 0.3], null, 'growing'],
    ['that wilts', [0.1, 0.2, 0.3], 'wilting', 'wilting'],
    ['that died', [1, 1, 0], 'died', 'waiting'],
    ['that was removed', [1, 1, 1], 'removed', 'leaving'],
    ['that withers', [1, 1, 1], 'withering', 'leaving'],
  ])('says of health that is %s: %j', (_what, history, absence, mood) => {
    expect(moodOf(history, 0.25, history.at(-1)!, absence)).toBe(mood);
  });
});
