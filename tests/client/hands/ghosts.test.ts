import { describe, expect, test } from 'vitest';
import { Ghosts } from '../../../client/hands/ghosts.ts';

const AT = [0, 0];

/** When the only ghost is first seen weaker than at full strength, and when it is gone; in steps of 10 ms. */
function fadeOf(ghosts: Ghosts): { readonly begins: number; readonly ends: number } {
  const [ghost] = ghosts.list;
  let now = 0;
  while (ghosts.opacity(ghost, now) === 1) now += 10;
  const begins = now - 10;
  while (ghosts.opacity(ghost, now) > 0) now += 10;
  return { begins, ends: now };
}

describe('the ghost of a player’s own stroke', () => {
  test('covers the cells until the server has answered and its pixels can have come, then fades', () => {
    const ghosts = new Ghosts();
    ghosts.own(1, 'ablate', 4, AT, 0);
    expect(ghosts.opacity(ghosts.list[0], 1_000)).toBe(1);
    ghosts.settle(1, true, 1_000);
    // Two frames at 20 per second.
    expect(fadeOf(ghosts)).toEqual({ begins: 1_120, ends: 1_380 });
  });

  test('fades by itself when no answer comes for two seconds', () => {
    const ghosts = new Ghosts();
    ghosts.own(1, 'ablate', 4, AT, 0);
    expect(fadeOf(ghosts)).toEqual({ begins: 2_000, ends: 2_260 });
  });

  test('fades from the refusal on, slowly enough to be seen', () => {
    const ghosts = new Ghosts();
    ghosts.refused('ablate', 4, AT, 0);
    expect(fadeOf(ghosts)).toEqual({ begins: 0, ends: 700 });
    ghosts.clear();
    ghosts.own(1, 'ablate', 4, AT, 0);
    ghosts.settle(1, false, 500);
    expect(ghosts.list[0].isRefused).toBe(true);
    expect(ghosts.opacity(ghosts.list[0], 1_199)).toBeGreaterThan(0);
    expect(ghosts.opacity(ghosts.list[0], 1_200)).toBe(0);
  });
});

test('the trace of another player’s stroke fades from the start, over 0.9 s', () => {
  const ghosts = new Ghosts();
  ghosts.other(120, 'noise', 4, AT, 0);
  expect(fadeOf(ghosts)).toEqual({ begins: 0, ends: 900 });
});

test('ghosts that are gone are forgotten, and no others', () => {
  const ghosts = new Ghosts();
  ghosts.own(1, 'ablate', 4, AT, 0);
  ghosts.other(120, 'noise', 4, AT, 0);
  ghosts.sweep(950);
  expect(ghosts.list.map(({ id }) => id)).toEqual([1]);
  ghosts.sweep(2_300);
  expect(ghosts.list).toEqual([]);
});

test('an answer to a stroke without a ghost changes nothing', () => {
  const ghosts = new Ghosts();
  ghosts.own(1, 'ablate', 4, AT, 0);
  ghosts.settle(7, true, 10);
  expect(ghosts.list).toMatchObject([{ id: 1, settledAt: null }]);
});
