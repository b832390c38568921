/** Sessions beside a fake world. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkEvent, Draft, type SessionEvent } from '../../server/sessions/draft.ts';
import { FactError } from '../../server/sessions/facts.ts';
import { readOpenRecord } from '../../server/sessions/openRecord.ts';
import {
  checkSession,
  MAX_COORDINATES,
  MAX_WOUNDS,
  readSession,
  type SessionRecord,
  writeSession,
} from '../../server/sessions/record.ts';
import { MAX_KEPT_RECORDS, Sessions } from '../../server/sessions/sessions.ts';
import { type WoundEvent, WoundWatch } from '../../server/world/woundWatch.ts';
import { cut, lost, recordOf } from './records.ts';

const EMPTY_MS = 30_000;
let folder: string;
let told: string[];
let opened: Sessions[];
/** What the world reports when it is asked to end all wounds. */
let lastWords: WoundEvent[];
let hear: (...events: WoundEvent[]) => void;
let asked: number;
let isHung: boolean;

/** What is written in the background is on a busy disk. */
const DISK = { timeout: 30_000 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  told = [];
  opened = [];
  lastWords = [];
  asked = 0;
  isHung = false;
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'],
    now: Date.UTC(2026, 10, 25, 2, 10),
  });
});
afterEach(async () => {
  for (const sessions of opened) await sessions.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

async function open(): Promise<Sessions> {
  const world = {
    onWounds: (_events: readonly WoundEvent[]) => {},
    async ask() {
      asked++;
      if (isHung) throw new Error('the world did not answer endWounds within 10 s');
      world.onWounds(lastWords);
      return null as never;
    },
  };
  const log = (message: string): void => void told.push(message);
  const sessions = await Sessions.open({ world, dataDir: folder, emptyMs: EMPTY_MS, log });
  hear = (...events) => world.onWounds(events);
  opened.push(sessions);
  return sessions;
}

const files = (): string[] => readdirSync(join(folder, 'sessions')).sort();
const pass = (ms: number): void => void vi.advanceTimersByTime(ms);
/** Resolves with the next record. */
const next = (sessions: Sessions): Promise<SessionRecord> =>
  new Promise((resolve) => {
    sessions.onEnd = resolve;
  });

/** The events of one pikachu's wound. */
function wounding(wound: number, organism = 1): WoundEvent[] {
  const blow = { afterSteps: 0, tool: 'ablate', radius: 3, points: [1, 2] } as const;
  return [
    { type: 'open', wound, organism, species: 'pikachu', rule: 'pikachu@1', healthBefore: 1 },
    { type: 'blow', wound, blow },
    { type: 'look', wound, healthLeast: 0.5, healthAfter: 0.5 },
  ];
}
const healed = (wound: number): WoundEvent => ({
  type: 'closed',
  wound,
  healthLeast: 0.5,
  healthAfter: 0.97,
  healedInSteps: 80,
});

describe('a session', () => {
  test.each([
    ['forth', 3_600_000],
    ['back', -3_600_000],
  ])('is as long as it was when the wall clock is set %s by an hour meanwhile', async (_, jumpMs) => {
    const sessions = await open();
    sessions.join('a', '10.0.0.1');
    pass(5_000);
    vi.setSystemTime(Date.now() + jumpMs);
    pass(5_000);
    sessions.leave('a');
    const ended = next(sessions);
    pass(EMPTY_MS - 1);
    expect(sessions.isRunning).toBe(true);
    pass(1);
    expect(await ended).toMatchObject({
      beganAt: '2026-11-25T02:10:00.000Z',
      endedAt: '2026-11-25T02:10:40.000Z',
    });
  });

  test('begins at the wall clock, also when it was set back, and never with the name of another one', async () => {
    const sessions = await open();
    const begun: string[] = [];
    const play = async (ms: number): Promise<void> => {
      sessions.join('a', '10.0.0.1');
      begun.push(sessions.running!.beganAt);
      pass(ms);
      sessions.leave('a');
      await sessions.end('admin');
    };
    await play(10_000);
    vi.setSystemTime(Date.UTC(2026, 10, 25, 1, 0));
    await play(1_000);
    // The very millisecond in which the first one began.
    vi.setSystemTime(Date.UTC(2026, 10, 25, 2, 10));
    await play(1_000);
    expect(begun).toEqual([
      '2026-11-25T02:10:00.000Z',
      '2026-11-25T01:00:00.000Z',
      '2026-11-25T02:10:00.001Z',
    ]);
    expect(files()).toHaveLength(3);
  });

  test('begins with the first player, ends 30 s after the last has left, and is then one file', async () => {
    const sessions = await open();
    const begun = vi.fn();
    sessions.onBegin = begun;
    expect(sessions.isRunning).toBe(false);
    expect(sessions.running).toBeNull();
    sessions.join('a', '10.0.0.1');
    expect([sessions.isRunning, begun.mock.calls.length]).toEqual([true, 1]);
    pass(5_000);
    sessions.join('b', '10.0.0.2');
    for (const isApplied of [true, true, false]) sessions.stroke(isApplied);
    hear(...wounding(1), ...wounding(2, 2), healed(1));
    expect(sessions.running).toMatchObject({ atOnce: 2, strokes: 2, wounds: 1, healed: 1, openWounds: 1 });
    sessions.leave('a');
    pass(60_000);
    sessions.leave('b');
    sessions.leave('b');
    pass(EMPTY_MS - 1);
    expect(sessions.isRunning).toBe(true);
    lastWords = [{ type: 'closed', wound: 2, healthLeast: 0.5, healthAfter: 0.8, healedInSteps: null }];
    const ended = next(sessions);
    pass(1);
    expect(sessions.isRunning).toBe(false);
    const record = await ended;
    expect(begun).toHaveBeenCalledTimes(1);
    expect(record).toMatchObject({
      id: '2026-11-25T02-10-00.000Z',
      endedAt: '2026-11-25T02:11:35.000Z',
      endedBy: 'empty',
      players: 2,
      mostAtOnce: 2,
      strokes: 2,
      refusedStrokes: 1,
      damage: [{ species: 'pikachu', organisms: 2, wounds: 2, healed: 1 }],
      wounds: [{ healedInSteps: 80 }, { healthAfter: 0.8, healedInSteps: null }],
    });
    expect(files()).toEqual([`${record.id}.json`]);
    expect(readSession(join(folder, 'sessions', files()[0]))).toEqual(record);
    expect(told).toEqual([]);
  });

  test('goes on when a player comes back within the 30 s', async () => {
    const sessions = await open();
    sessions.join('a', '10.0.0.1');
    sessions.leave('a');
    pass(EMPTY_MS - 1);
    sessions.join('a2', '10.0.0.1');
    pass(10 * EMPTY_MS);
    expect(sessions.running).toMatchObject({
      beganAt: '2026-11-25T02:10:00.000Z',
      players: 1,
      mostAtOnce: 1,
    });
  });

  test('counts per address the most players that were there at once: a reload is not a second player', async () => {
    const sessions = await open();
    for (const id of ['a', 'b', 'c']) {
      sessions.join(id, '10.0.0.1');
      sessions.join(id, '10.0.0.1');
      sessions.leave(id);
    }
    sessions.join('d', '10.0.0.1');
    sessions.join('e', '10.0.0.1');
    sessions.join('f', '10.0.0.2');
    expect(sessions.running).toMatchObject({ players: 3, mostAtOnce: 3, atOnce: 3 });
  });

  test('that an admin ended is followed by a new one at the next applied stroke, not at a refused one', async () => {
    const sessions = await open();
    sessions.join('a', '10.0.0.1');
    expect(await sessions.end('admin')).toMatchObject({ endedBy: 'admin', players: 1 });
    expect(await sessions.end('admin')).toBeNull();
    pass(10 * EMPTY_MS);
    sessions.stroke(false);
    hear({ type: 'look', wound: 1, healthLeast: 0.5, healthAfter: 0.5 });
    expect(sessions.isRunning).toBe(false);
    sessions.stroke(true);
    expect(sessions.running).toMatchObject({ players: 1, atOnce: 1, strokes: 1 });
    await sessions.end('admin');
    sessions.join('b', '10.0.0.2');
    expect(sessions.running).toMatchObject({ players: 2, mostAtOnce: 2 });
  });

  test('takes a blow from before its last report; a later blow begins the next session', async () => {
    const sessions = await open();
    sessions.join('a', '10.0.0.1');
    lastWords = [...wounding(1), healed(1)];
    const ended = sessions.end('admin');
    sessions.join('b', '10.0.0.2');
    expect(sessions.isRunning).toBe(true);
    expect((await ended)!.wounds).toHaveLength(1);
    lastWords = [];
    hear(...wounding(2), healed(2));
    expect(sessions.running).toMatchObject({ wounds: 1 });
    expect((await sessions.end('admin'))!.wounds).toHaveLength(1);
    expect(files()).toHaveLength(2);
  });

  test("ends without the world's answer, too, with wounds as they were last seen", async () => {
    const sessions = await open();
    sessions.join('a', '10.0.0.1');
    hear(...wounding(1));
    isHung = true;
    expect((await sessions.end('admin'))!.wounds).toMatchObject([{ healthAfter: 0.5, healedInSteps: null }]);
    expect(told.join()).toContain('the world did not answer endWounds');
  });

  test('ends with the server, without asking the world, and none begins after', async () => {
    const sessions = await open();
    sessions.join('a', '10.0.0.1');
    hear(...wounding(1), healed(1));
    await sessions.close();
    expect(asked).toBe(0);
    expect(readSession(join(folder, 'sessions', files()[0]))).toMatchObject({ endedBy: 'shutdown' });
    sessions.join('b', '10.0.0.1');
    sessions.stroke(true);
    hear(...wounding(2));
    expect([sessions.isRunning, files().length]).toEqual([false, 1]);
  });

  test('that cannot be written is reported and stays open, and the next one begins', async () => {
    const sessions = await open();
    sessions.join('a', '10.0.0.1');
    hear(...wounding(1), healed(1));
    await vi.waitFor(() => expect(files()).toHaveLength(1), DISK);
    mkdirSync(join(folder, 'sessions', '2026-11-25T02-10-00.000Z.json'));
    const ended = vi.fn();
    sessions.onEnd = ended;
    expect(await sessions.end('admin')).toBeNull();
    expect(ended).not.toHaveBeenCalled();
    expect(told.join()).toMatch(/could not be written, and stays open: .*2026-11-25T02-10-00.000Z.json: E/);
    expect(files()).toContain('2026-11-25T02-10-00.000Z.open.jsonl');
    sessions.stroke(true);
    expect(sessions.isRunning).toBe(true);
  });

  test('is listed when it is over; a file that is not a record is listed with the reason', async () => {
    const sessions = await open();
    expect(await sessions.past(9)).toEqual([]);
    sessions.join('a', '10.0.0.1');
    hear(...wounding(1), healed(1));
    await sessions.end('admin');
    pass(1_000);
    sessions.stroke(true);
    await sessions.end('admin');
    writeFileSync(join(folder, 'sessions', '2026-11-25T03-00-00.000Z.json'), '{"format":2,"wounds":[]}');
    writeFileSync(join(folder, 'sessions', 'notes.json'), 'mine');
    expect(await sessions.past(9)).toMatchObject([
      { id: '2026-11-25T03-00-00.000Z', fault: expect.stringContaining('is not a session record') },
      { id: '2026-11-25T02-10-01.000Z', strokes: 1, damage: [] },
      { id: '2026-11-25T02-10-00.000Z', damage: [{ species: 'pikachu', healed: 1 }] },
    ]);
    expect(await sessions.past(1)).toHaveLength(1);
    expect(await sessions.lastThatHurt()).toBe('2026-11-25T02-10-00.000Z');
  });

  test('of too many records, those without wounds are removed first, then the oldest', async () => {
    const at = (n: number): Partial<SessionRecord> => {
      const beganAt = new Date(Date.UTC(2025, 0, 1, 0, n)).toISOString();
      return { beganAt, id: beganAt.replaceAll(':', '-'), endedAt: beganAt };
    };
    for (let n = 0; n <= MAX_KEPT_RECORDS; n++) {
      const record = recordOf(n === 50 ? [] : [cut], at(n));
      await writeSession(join(folder, 'sessions', `${record.id}.json`), record);
    }
    const before = files();
    const sessions = await open();
    sessions.join('a', '10.0.0.1');
    hear(...wounding(1), healed(1));
    await sessions.end('admin');
    const after = files();
    expect(after).toHaveLength(MAX_KEPT_RECORDS);
    expect(before.filter((name) => !after.includes(name))).toEqual([before[0], before[50]]);
    expect(told).toEqual([
      `sessions: 2 old records removed; ${MAX_KEPT_RECORDS} are kept, of 256 MB at most`,
    ]);
  });
});

describe('a session whose process was killed', () => {
  /** Leaves a session as a killed process does: nothing is closed. */
  async function cutOff(): Promise<void> {
    const sessions = await open();
    sessions.join('a', '10.0.0.1');
    sessions.join('b', '10.0.0.1');
    sessions.stroke(true);
    hear(...wounding(1), healed(1), ...wounding(2, 2));
    pass(1_000);
    await vi.waitFor(() => expect(readFileSync(openPath(), 'utf8').split('\n')).toHaveLength(10), DISK);
    opened = [];
  }
  const openPath = (): string => join(folder, 'sessions', '2026-11-25T02-10-00.000Z.open.jsonl');
  const record = (): SessionRecord => readSession(join(folder, 'sessions', '2026-11-25T02-10-00.000Z.json'));

  test('becomes a record at the next start, with all that had happened', async () => {
    await cutOff();
    await open();
    expect(record()).toMatchObject({
      endedBy: 'crash',
      players: 2,
      strokes: 1,
      wounds: [{ healedInSteps: 80 }, { healthLeast: 0.5, healthAfter: 0.5, healedInSteps: null }],
    });
    expect(files()).toEqual(['2026-11-25T02-10-00.000Z.json']);
    expect(told).toEqual(['session 2026-11-25T02-10-00.000Z ended with the process; wounds kept: 2']);
  });

  test('in the middle of a line loses only that line', async () => {
    await cutOff();
    appendFileSync(openPath(), '{"type":"closed","wound":2,"healthLe');
    await open();
    expect(record().wounds).toHaveLength(2);
    expect(told).toHaveLength(1);
  });

  test('whose record had just been written is not written again', async () => {
    await cutOff();
    const other = recordOf([lost], { id: '2026-11-25T02-10-00.000Z', beganAt: '2026-11-25T02:10:00.000Z' });
    await writeSession(join(folder, 'sessions', `${other.id}.json`), other);
    await open();
    expect(record()).toEqual(other);
    expect(existsSync(openPath())).toBe(false);
  });

  test.each([
    ['nonsense', 'nonsense', 'a line is not JSON'],
    ['nothing', '', 'a line is not JSON'],
    ['another session', '{"format":1,"beganAt":"2026-11-24T02:10:00.000Z"}\n', 'which is not session'],
    ['the future', '{"format":2,"beganAt":"2026-11-25T02:10:00.000Z"}\n', 'format is 2'],
  ])('and overwritten with %s is set aside', async (_what, text, why) => {
    await cutOff();
    writeFileSync(openPath(), text);
    await open();
    expect(files()).toEqual(['2026-11-25T02-10-00.000Z.open.jsonl.corrupt']);
    expect(told.join()).toContain(why);
  });

  test('with any line changed becomes a whole record, or is reported to lack lines', async () => {
    await cutOff();
    const text = readFileSync(openPath(), 'utf8');
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 4 }), fc.nat(12), (at, put, gone) => {
        const changed = text.slice(0, at) + put + text.slice(at + gone);
        try {
          const { draft } = readOpenRecord(changed, '2026-11-25T02-10-00.000Z');
          checkSession(draft.finish('crash', '2026-11-25T02:20:00.000Z'));
        } catch (error) {
          // Only a bad first line may end it.
          expect(error).toBeInstanceOf(FactError);
          expect(at).toBeLessThanOrEqual(text.indexOf('\n'));
        }
      }),
      { numRuns: 2_000, seed: 7 },
    );
  });
});

describe('a draft', () => {
  const points = Array(128).fill(5);
  const open = (wound: number): WoundEvent => ({
    type: 'open',
    wound,
    organism: (wound % 65_535) + 1,
    species: 'pikachu',
    rule: 'pikachu@1',
    healthBefore: 1,
  });
  const blow = (wound: number): WoundEvent => ({
    type: 'blow',
    wound,
    blow: { afterSteps: 0, tool: 'ablate', radius: 3, points },
  });
  const finish = (draft: Draft): SessionRecord => {
    const record = draft.finish('empty', '2026-11-25T02:14:10.000Z');
    return checkSession(structuredClone(record));
  };

  test('holds at most 20,000 wounds, and counts the others', () => {
    const draft = new Draft('2026-11-25T02:10:00.123Z');
    for (let wound = 1; wound <= MAX_WOUNDS + 5; wound++)
      for (const event of [open(wound), wounding(wound)[1], healed(wound)]) draft.apply(event);
    const record = finish(draft);
    expect([record.wounds.length, record.droppedWounds]).toEqual([MAX_WOUNDS, 5]);
  });

  test('holds at most 2,000,000 coordinates: a wound that does not fit is left out whole', () => {
    const draft = new Draft('2026-11-25T02:10:00.123Z');
    const blows = Math.ceil(MAX_COORDINATES / points.length);
    for (let n = 0; n < blows + 40; n++) {
      const wound = 1 + Math.floor(n / 60);
      if (n % 60 === 0) draft.apply(open(wound));
      draft.apply(blow(wound));
      if (n % 60 === 59) draft.apply(healed(wound));
    }
    const record = finish(draft);
    expect(record.droppedWounds).toBe(1);
    expect(record.wounds.every((wound) => wound.blows.length === 60)).toBe(true);
  });

  test('leaves scratches out, because there is nothing to heal', () => {
    const draft = new Draft('2026-11-25T02:10:00.123Z');
    for (const event of wounding(1).slice(0, 2)) draft.apply(event);
    draft.apply({ type: 'closed', wound: 1, healthLeast: 0.96, healthAfter: 1, healedInSteps: 0 });
    expect(finish(draft)).toMatchObject({ wounds: [], scratches: 1, damage: [{ organisms: 1, wounds: 0 }] });
  });

  test('ignores wounds from before it', () => {
    const draft = new Draft('2026-11-25T02:10:00.123Z');
    for (const event of [blow(3), healed(3)]) expect(draft.apply(event)).toBe(false);
    expect(finish(draft).wounds).toEqual([]);
  });

  test('of any events becomes a valid record, and the same one when read back from an open record', () => {
    const beganAt = '2026-11-25T02:10:00.123Z';
    const done = fc.oneof(
      fc.record({
        what: fc.constant('strike' as const),
        id: fc.integer({ min: 1, max: 3 }),
        blows: fc.integer({ min: 1, max: 32 }),
      }),
      fc.record({
        what: fc.constant('measure' as const),
        id: fc.integer({ min: 1, max: 3 }),
        health: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      fc.record({
        what: fc.constantFrom('die' as const, 'leave' as const),
        id: fc.integer({ min: 1, max: 3 }),
      }),
      fc.record({ what: fc.constant('live' as const), steps: fc.integer({ min: 0, max: 2_000 }) }),
    );
    let wounds = 0;
    fc.assert(
      fc.property(
        fc.array(done, { minLength: 20, maxLength: 60 }),
        fc.nat(0xffff_ffff),
        fc.boolean(),
        (all, firstStep, isCutOff) => {
          const watch = new WoundWatch();
          const health = new Map<number, number>();
          let step = firstStep;
          for (const one of all) {
            if (one.what === 'live') step = (step + one.steps) >>> 0;
            else if (one.what === 'strike') {
              const body = {
                id: one.id,
                species: 'pikachu',
                label: 'pikachu v4',
                health: health.get(one.id) ?? 1,
              };
              const shape = { tool: 'ablate', radius: 3, points: [1, 2] } as const;
              watch.strike(body, Array(one.blows).fill(shape), step);
            } else if (one.what === 'measure') {
              health.set(one.id, one.health);
              watch.measured(one.id, one.health, step);
            } else if (one.what === 'die') watch.died(one.id);
            else watch.leave(one.id);
            watch.tick(step);
          }
          if (!isCutOff) watch.endAll();
          const draft = new Draft(beganAt);
          const lines = [JSON.stringify({ format: 1, beganAt })];
          for (const event of watch.take() ?? []) {
            if (draft.apply(event)) lines.push(JSON.stringify(event));
          }
          const record = finish(draft);
          expect(finish(readOpenRecord(`${lines.join('\n')}\n`, draft.id).draft)).toEqual(record);
          wounds += record.wounds.length;
        },
      ),
      { numRuns: 200, seed: 7 },
    );
    expect(wounds).toBeGreaterThan(200);
  });

  test('refuses events that are not valid', () => {
    const events: SessionEvent[] = [
      ...wounding(1),
      healed(1),
      { type: 'counts', players: 2, mostAtOnce: 1, strokes: 4, refusedStrokes: 0 },
    ];
    for (const event of events) expect(checkEvent(JSON.parse(JSON.stringify(event)))).toEqual(event);
    for (const bad of [
      null,
      [],
      'open',
      {},
      { type: 'gone' },
      { ...events[0], more: 1 },
      { ...events[0], wound: 0 },
    ])
      expect(() => checkEvent(bad)).toThrow(FactError);
    expect(() => checkEvent({ ...events[1], blow: null })).toThrow('blow is null, expected an object');
  });
});
