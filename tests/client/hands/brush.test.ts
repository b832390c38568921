import { describe, expect, test } from 'vitest';
import { Brush } from '../../../client/hands/brush.ts';
import { Ghosts } from '../../../client/hands/ghosts.ts';
import { Planting } from '../../../client/hands/planting.ts';
import { BUDGET_CELLS, MAX_BRUSH_RADIUS, MIN_BRUSH_RADIUS } from '../../../shared/limits.ts';
import type { StrokeMessage } from '../../../shared/protocol.ts';

const world = { width: 1_024, height: 1_024 };
const full = { cells: BUDGET_CELLS, capacity: BUDGET_CELLS, perSecond: 1_500, limit: 'guest' as const };
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

test('the radius changes by half a cell below 4 cells, by one from 4 on, and stops at its bounds', () => {
  const { brush } = setUp();
  brush.resize(4);
  brush.nudge(1);
  expect(brush.radius).toBe(5);
  brush.nudge(-1);
  brush.nudge(-1);
  expect(brush.radius).toBe(3.5);
  for (let i = 0; i < 60; i++) brush.nudge(1);
  expect(brush.radius).toBe(MAX_BRUSH_RADIUS);
  for (let i = 0; i < 60; i++) brush.nudge(-1);
  expect(brush.radius).toBe(MIN_BRUSH_RADIUS);
});
