import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Brush } from '../../../client/hands/brush.ts';
import { Budget } from '../../../client/hands/budget.ts';
import { Ghosts } from '../../../client/hands/ghosts.ts';
import { Planting } from '../../../client/hands/planting.ts';
import { StrokeBuilder } from '../../../client/hands/strokeBuilder.ts';
import {
  BUDGET_CELLS,
  MAX_BRUSH_RADIUS,
  MAX_STROKE_POINTS,
  MIN_BRUSH_RADIUS,
} from '../../../shared/limits.ts';
import type { StrokeMessage } from '../../../shared/protocol.ts';
import { strokeCost, strokeFault, strokeLength } from '../../../shared/stroke.ts';

fc.configureGlobal({ seed: 1 });

const world = { width: 1_024, height: 1_024 };
const full = { cells: BUDGET_CELLS, capacity: BUDGET_CELLS, perSecond: 1_500 };
const species = [{ name: 'pikachu', x: -21, y: -19, width: 42, height: 38, thumbnail: '' }];

function setUp() {
  const sent: StrokeMessage[] = [];
  const refusals: string[] = [];
  const ghosts = new Ghosts();
  const planting = new Planting(() => {});
  planting.meet(world);
  const brush = new Brush(ghosts, planting, (stroke) => {
    sent.push(stroke);
    return true;
  });
  brush.meet(world, species, full, 0);
  brush.refused.on((reason) => refusals.push(reason));
  return { brush, planting, sent, refusals, ghosts };
}

describe('a drag', () => {
  test('becomes strokes that the server accepts, at any radius, speed and path', () => {
    const at = fc.double({ min: 0, max: 1_023, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: MIN_BRUSH_RADIUS, max: MAX_BRUSH_RADIUS, noNaN: true }),
        fc.array(fc.tuple(at, at, fc.integer({ min: 0, max: 200 })), { minLength: 1, maxLength: 30 }),
        (radius, path) => {
          const [first, ...rest] = path;
          let now = 0;
          const builder = new StrokeBuilder(radius, first[0], first[1], now);
          const pieces = builder.take(now);
          for (const [x, y, wait] of rest) {
            now += wait;
            builder.add(x, y);
            pieces.push(...builder.take(now));
          }
          pieces.push(...builder.take(now, true));
          for (const points of pieces) {
            const stroke: StrokeMessage = { id: 1, tool: 'ablate', radius, points };
            expect(strokeFault(stroke, world, [])).toBeNull();
            expect(points.length).toBeLessThanOrEqual(MAX_STROKE_POINTS * 2);
            expect(strokeCost(stroke)).toBeLessThan(BUDGET_CELLS / 2);
          }
          // Each piece begins where the one before it ended, so there is no gap.
          for (let i = 1; i < pieces.length; i++)
            expect(pieces[i].slice(0, 2)).toEqual(pieces[i - 1].slice(-2));
        },
      ),
    );
  });

  test('becomes pieces that cover the whole path', () => {
    const builder = new StrokeBuilder(6, 100, 100, 0);
    const pieces = builder.take(0);
    for (let x = 101; x <= 300; x++) {
      builder.add(x, 100);
      pieces.push(...builder.take(x * 8));
    }
    pieces.push(...builder.take(5_000, true));
    const length = pieces.reduce((sum, points) => sum + strokeLength(points), 0);
    expect(length).toBeGreaterThan(198);
    expect(length).toBeLessThanOrEqual(200);
  });

  test('is sent while it goes on, about ten times per second', () => {
    const builder = new StrokeBuilder(4, 0, 0, 0);
    let messages = builder.take(0).length;
    expect(messages).toBe(1);
    for (let ms = 10; ms <= 1_000; ms += 10) {
      builder.add(ms / 8, 0);
      messages += builder.take(ms).length;
    }
    expect(messages).toBeGreaterThanOrEqual(8);
    expect(messages).toBeLessThanOrEqual(12);
  });

  test('that does not move is one dab', () => {
    const { brush, sent } = setUp();
    brush.down(10, 10, 0);
    brush.move(10.1, 10, 300);
    brush.up(600);
    expect(sent.map(({ points }) => points)).toEqual([[10, 10]]);
  });

  test('that begins outside the world is moved to its edge', () => {
    const { brush, sent } = setUp();
    brush.down(-50, 2_000, 0);
    brush.up(10);
    expect(sent[0].points[0]).toBe(0);
    expect(sent[0].points[1]).toBeLessThan(1_024);
  });

  test('that is cancelled sends nothing more', () => {
    const { brush, sent } = setUp();
    brush.down(10, 10, 0);
    brush.cancel();
    brush.move(90, 90, 400);
    brush.up(500);
    expect(sent).toHaveLength(1);
  });
});

describe('the budget', () => {
  test('refills with time, up to its capacity', () => {
    const budget = new Budget({ cells: 100, capacity: 1_000, perSecond: 500 }, 0);
    expect(budget.available(1_000)).toBe(600);
    expect(budget.available(60_000)).toBe(1_000);
  });

  test('a stroke that is not answered yet counts as spent', () => {
    const budget = new Budget({ cells: 1_000, capacity: 1_000, perSecond: 0 }, 0);
    budget.spend(1, 400);
    expect(budget.available(0)).toBe(600);
    budget.settle(1, { cells: 700, capacity: 1_000, perSecond: 0 }, 0);
    expect(budget.available(0)).toBe(700);
  });

  test('a stroke that it cannot pay for is not sent, and the player reads why', () => {
    const { brush, sent, refusals, ghosts } = setUp();
    brush.meet(world, species, { ...full, cells: 50 }, 0);
    expect(brush.stroke('ablate', 10, [50, 50], '', 0)).toBe(false);
    expect(sent).toEqual([]);
    expect(refusals).toHaveLength(1);
    expect(ghosts.list[0].isRefused).toBe(true);
  });
});

describe('tools that act once', () => {
  test('plant sends one seed of the chosen species, for the place where the pointer is let go', () => {
    const { brush, sent } = setUp();
    brush.choose('plant');
    brush.down(40.4, 30.2, 0);
    brush.move(90.5, 80, 50);
    expect(sent).toEqual([]);
    brush.up(100);
    expect(sent).toEqual([
      { id: 1, tool: 'plant', radius: brush.radius, points: [90.5, 80], species: 'pikachu' },
    ]);
  });

  test.each([
    ['the gesture becomes another', (brush: Brush) => brush.cancel()],
    ['another tool is chosen', (brush: Brush) => brush.choose('hand')],
  ])('a seed that is pressed is not planted when %s', (_when, interrupt) => {
    const { brush, sent } = setUp();
    brush.choose('plant');
    brush.down(40, 30, 0);
    interrupt(brush);
    brush.up(100);
    expect(sent).toEqual([]);
  });

  test('a seed without room is not sent, and the player reads why', () => {
    const { brush, planting, sent, refusals } = setUp();
    brush.choose('plant');
    planting.hold({ species: species[0], x: 100, y: 100 });
    planting.settle({ species: 'pikachu', at: [100, 100], reason: 'No room.' });
    brush.down(100.5, 100.5, 0);
    brush.up(50);
    brush.down(5, 100, 60);
    brush.up(90);
    planting.dispose();
    expect(refusals).toEqual(['No room.', 'A Pikachu needs 21 free cells on its left: the world ends here.']);
    expect(sent).toEqual([]);
  });

  test('the hand sends nothing', () => {
    const { brush, sent } = setUp();
    brush.choose('hand');
    brush.down(40, 30, 0);
    brush.up(100);
    expect(sent).toEqual([]);
  });
});

test('the brush is as large as the species need, until the player chooses a size', () => {
  const { brush } = setUp();
  const sized = (side: number) => [{ name: 'one', x: 0, y: 0, width: side, height: side - 6, thumbnail: '' }];
  brush.learn(sized(21));
  expect(brush.radius).toBe(4);
  brush.learn(sized(42));
  expect(brush.radius).toBe(8);
  brush.resize(3);
  brush.learn(sized(21));
  expect(brush.radius).toBe(3);
});

test('the radius changes by half a cell below 4 cells, and stops at its bounds', () => {
  const { brush } = setUp();
  brush.resize(4);
  brush.nudge(-1);
  expect(brush.radius).toBe(3.5);
  for (let i = 0; i < 60; i++) brush.nudge(1);
  expect(brush.radius).toBe(MAX_BRUSH_RADIUS);
  for (let i = 0; i < 60; i++) brush.nudge(-1);
  expect(brush.radius).toBe(MIN_BRUSH_RADIUS);
});

describe('ghosts', () => {
  test('of the player’s own strokes stay until the server has answered, then fade', () => {
    const ghosts = new Ghosts();
    ghosts.own(1, 'ablate', 4, [0, 0], 0);
    expect(ghosts.opacity(ghosts.list[0], 1_000)).toBe(1);
    ghosts.settle(1, true, 1_000);
    ghosts.sweep(1_100);
    expect(ghosts.list).toHaveLength(1);
    ghosts.sweep(1_500);
    expect(ghosts.list).toHaveLength(0);
  });

  test('of strokes that are never answered are gone within 3 s', () => {
    const ghosts = new Ghosts();
    ghosts.own(1, 'ablate', 4, [0, 0], 0);
    ghosts.sweep(3_000);
    expect(ghosts.list).toHaveLength(0);
  });
});
