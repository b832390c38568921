import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serializeRule } from '../../server/rules/format.ts';
import { Registry } from '../../server/rules/registry.ts';
import { LearnedBoard } from '../../server/sessions/learned.ts';
import { beganAtOf, figuresFault, learnedFault } from '../../shared/learned.ts';
import type { LearnedMessage } from '../../shared/protocol.ts';
import { randomRule } from '../rules/rules.ts';

const ANN = { who: 'Ann', address: '' };
const learned = {
  session: '2026-11-25T02-10-00.123Z',
  wounds: 41,
  recoveryBefore: 0.91,
  recoveryAfter: 0.97,
  stepsBefore: 142,
  stepsAfter: 98,
};

let folder: string;
let registry: Registry;
let complaints: string[];
let nowMs: number;
let board: LearnedBoard;
let asked: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  registry = new Registry(folder, 100);
  complaints = [];
  nowMs = 0;
  asked = 0;
  board = new LearnedBoard({
    ask: async (question) => {
      asked++;
      return question(registry);
    },
    lastSession: async () => learned.session,
    log: (text) => complaints.push(text),
    now: () => nowMs,
  });
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true });
});

function swapIn(name: string, randomSeed: number, origin: 'tuned' | 'uploaded', metrics: object): number {
  const bytes = serializeRule({ ...randomRule(randomSeed), name, metadata: {} });
  const { id } = registry.add({ bytes, origin, metrics: metrics as Record<string, unknown> }, ANN);
  const swap = registry.wantSwap({ species: name, rule: id, scope: 'species' }, ANN);
  registry.settle(swap.id, 'in force', '', ANN);
  return swap.id;
}

describe('what the world has learned', () => {
  test('is what the tuned rules in force say, newest first, with when each came into force', async () => {
    const first = swapIn('pikachu', 1, 'tuned', { learned, health: 1 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    swapIn('snorlax', 2, 'tuned', {
      learned: { ...learned, session: '2026-11-24T00-00-00.000Z', stepsBefore: null },
    });
    swapIn('mew', 3, 'uploaded', { learned });
    swapIn('gengar', 4, 'tuned', {});
    const message = await board.message();
    expect(message.rules).toEqual([
      expect.objectContaining({
        species: 'snorlax',
        label: 'snorlax v1',
        isLastSession: false,
        stepsBefore: null,
      }),
      {
        ...learned,
        species: 'pikachu',
        label: 'pikachu v1',
        since: registry.swap(first).created,
        isLastSession: true,
      },
    ]);
    expect(learnedFault(message)).toBeNull();
    expect(complaints).toEqual([]);
  });

  test('is not what a rule that went back had learned', async () => {
    const swap = swapIn('pikachu', 1, 'tuned', { learned });
    registry.settle(swap, 'rolled back', 'it froze', ANN);
    expect(await board.message()).toEqual({ rules: [] });
  });

  test('is asked for once by a crowd, and anew after a while', async () => {
    const crowd = await Promise.all(Array.from({ length: 50 }, () => board.message()));
    expect(asked).toBe(1);
    expect(crowd[0]).toEqual({ rules: [] });
    swapIn('pikachu', 1, 'tuned', { learned });
    nowMs = 4_999;
    expect((await board.message()).rules).toEqual([]);
    nowMs = 5_000;
    expect((await board.message()).rules).toHaveLength(1);
    expect(asked).toBe(2);
  });

  test('with figures that are none is left out, and told the operator once', async () => {
    swapIn('pikachu', 1, 'tuned', { learned: { ...learned, recoveryAfter: 1.2 } });
    swapIn('mew', 2, 'tuned', { learned });
    for (; nowMs < 30_000; nowMs += 6_000)
      expect((await board.message()).rules.map(({ species }) => species)).toEqual(['mew']);
    expect(complaints).toEqual(['learned: pikachu v1: recoveryAfter is 1.2, expected 0..1']);
  });

  test('is what it was last while the registry is in trouble, which is told once', async () => {
    swapIn('mew', 2, 'tuned', { learned });
    expect((await board.message()).rules).toHaveLength(1);
    registry.close();
    for (nowMs = 6_000; nowMs < 30_000; nowMs += 6_000) expect((await board.message()).rules).toHaveLength(1);
    expect(complaints).toHaveLength(1);
    registry = new Registry(folder, 100);
  });
});

describe('figures and messages', () => {
  test.each([
    [null, 'learned is null, expected an object'],
    [{ ...learned, session: '../x' }, 'session is "../x", expected an id like'],
    [
      { ...learned, session: '2026-99-99T02-10-00.123Z' },
      'session is "2026-99-99T02-10-00.123Z", expected an id',
    ],
    [{ ...learned, wounds: 0 }, 'wounds is 0, expected 1 or more'],
    [{ ...learned, wounds: '9' }, 'wounds is "9"'],
    [{ ...learned, recoveryBefore: Number.NaN }, 'recoveryBefore is null, expected 0..1'],
    [{ ...learned, stepsAfter: undefined }, 'stepsAfter is missing, expected steps or null'],
    [{ ...learned, stepsBefore: -1 }, 'stepsBefore is -1'],
  ])('%j is refused with the fact named', (value, fault) => {
    expect(figuresFault(value)).toContain(fault);
  });

  test('a message is whole or says what is wrong', () => {
    const rule = {
      ...learned,
      species: 'pikachu',
      label: 'pikachu v4',
      since: '2026-11-25T02:12:00.000Z',
      isLastSession: true,
    };
    expect(learnedFault({ rules: [rule] } satisfies LearnedMessage)).toBeNull();
    expect(learnedFault({ rules: [] })).toBeNull();
    for (const [message, fault] of [
      [null, 'no list'],
      [{ rules: {} }, 'no list'],
      [{ rules: Array(17).fill(rule) }, '17 entries, expected at most 16'],
      [{ rules: [{ ...rule, wounds: 1.5 }] }, 'wounds is 1.5'],
      [{ rules: [{ ...rule, label: 'x'.repeat(65) }] }, 'no name'],
      [{ rules: [{ ...rule, since: 'yesterday' }] }, 'since is "yesterday"'],
      [{ rules: [{ ...rule, isLastSession: 1 }] }, 'isLastSession'],
    ] as const)
      expect(learnedFault(message)).toContain(fault);
  });

  test("a session's id is its beginning", () => {
    expect(beganAtOf('2026-11-25T02-10-00.123Z')).toEqual(new Date('2026-11-25T02:10:00.123Z'));
    expect(beganAtOf('2026-11-25T02:10:00.123Z')).toBeNull();
  });
});
