import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Inspector, type Organism } from '../../../client/hands/inspector.ts';

const species = [{ name: 'mew', x: -10, y: -10, width: 20, height: 20, thumbnail: '' }];

const organism = (id: number, x: number, y: number): Organism => ({
  id,
  species: 'mew',
  x,
  y,
  age: 0,
  ageSeconds: 0,
  health: 1,
  cells: 1,
  planter: '',
  history: [],
  historySeconds: 0.25,
  rule: 'mew v1',
  marks: [],
  sinceSeconds: 0,
  absence: null,
  isAsleep: false,
  waitSeconds: null,
  isYours: false,
  lonely: null,
});

/** A world in which every cell with x < 500 is alive. */
function setUp() {
  const asked: (readonly [number, number] | null)[] = [];
  const card: string[] = [];
  const inspector = new Inspector(
    {
      show: ({ id }) => card.push(`shows ${id}`),
      mourn: () => card.push('mourns'),
      hide: () => card.push('hides'),
    },
    { inspect: (at) => asked.push(at), isAlive: (x) => x < 500 },
  );
  inspector.learn(species);
  return { inspector, asked, card };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a pointer', () => {
  test('that rests on a living cell for 150 ms asks who lives there, and one that moves on does not', () => {
    const { inspector, asked } = setUp();
    inspector.point([10, 10]);
    vi.advanceTimersByTime(100);
    inspector.point([20, 20]);
    vi.advanceTimersByTime(149);
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(asked).toEqual([[20, 20]]);
  });

  test('that rests on the ground, or on the watched body, asks nothing', () => {
    const { inspector, asked } = setUp();
    inspector.point([600, 10]);
    vi.advanceTimersByTime(1_000);
    expect(asked).toEqual([]);
    inspector.ask(100, 100);
    inspector.apply({ organism: organism(1, 100, 100) });
    // The body is 20 cells wide, and 4 cells around it still mean it.
    inspector.point([114, 100]);
    vi.advanceTimersByTime(1_000);
    expect(asked).toHaveLength(1);
    inspector.point([115, 100]);
    vi.advanceTimersByTime(1_000);
    expect(asked).toHaveLength(2);
  });

  test('asks about nobody else while an organism is held', () => {
    const { inspector, asked } = setUp();
    inspector.hold(100, 100);
    inspector.apply({ organism: organism(1, 100, 100) });
    inspector.point([300, 300]);
    inspector.follow(300, 300);
    vi.advanceTimersByTime(1_000);
    expect(asked).toEqual([[100, 100]]);
  });
});

describe('a tap', () => {
  test('on the ground releases the watched organism', () => {
    const { inspector, asked, card } = setUp();
    inspector.hold(100, 100);
    inspector.apply({ organism: organism(1, 100, 100) });
    expect(inspector.watched).toEqual({ x: 100, y: 100, size: { width: 20, height: 20 }, isAsleep: false });
    inspector.hold(600, 600);
    expect(inspector.watched).toBeNull();
    expect(asked).toEqual([[100, 100], null]);
    expect(card).toEqual(['shows 1', 'hides']);
  });
});

test('a tool asks about the bodies that it touches, at most five times per second', () => {
  const { inspector, asked } = setUp();
  vi.advanceTimersByTime(1_000);
  for (let i = 0; i < 100; i++) {
    inspector.follow(i, 0);
    vi.advanceTimersByTime(10);
  }
  expect(asked.map((at) => at?.[0])).toEqual([0, 20, 40, 60, 80]);
});

test('an answer that comes after the release is not shown', () => {
  const { inspector, card } = setUp();
  inspector.ask(100, 100);
  inspector.release();
  inspector.apply({ organism: organism(1, 100, 100) });
  expect(inspector.watched).toBeNull();
  expect(card).toEqual(['hides']);
});

test('the card of an organism that died is hidden after 2.5 s', () => {
  const { inspector, card } = setUp();
  inspector.ask(100, 100);
  inspector.apply({ organism: organism(1, 100, 100) });
  inspector.apply({ organism: null });
  vi.advanceTimersByTime(2_499);
  expect(card).toEqual(['shows 1', 'mourns']);
  vi.advanceTimersByTime(1);
  expect(card).toEqual(['shows 1', 'mourns', 'hides']);
});

test('where nobody lives, the organism that was watched before is asked for again', () => {
  const { inspector, asked, card } = setUp();
  inspector.ask(100, 100);
  inspector.apply({ organism: organism(1, 102, 101) });
  inspector.ask(300, 300);
  inspector.apply({ organism: null });
  expect(asked).toEqual([
    [100, 100],
    [300, 300],
    [102, 101],
  ]);
  expect(card).toEqual(['shows 1']);
});

test('a new connection is asked about the watched organism, and about nothing when there is none', () => {
  const { inspector, asked } = setUp();
  inspector.resume();
  expect(asked).toEqual([]);
  inspector.ask(100, 100);
  inspector.apply({ organism: organism(1, 100, 100) });
  inspector.resume();
  expect(asked).toEqual([
    [100, 100],
    [100, 100],
  ]);
});
