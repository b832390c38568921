/** The tuner's server side, over a real registry and real processes that do not compute (`stubTuning.ts`). */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Series } from '../../server/background/series.ts';
import { readConfig } from '../../server/config.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { type Actor, Registry, type RuleRecord } from '../../server/rules/registry.ts';
import type { SessionRecord } from '../../server/sessions/record.ts';
import type { SwapDesk } from '../../server/swaps/swapDesk.ts';
import { Jobs, MAX_JOBS } from '../../server/tuner/jobs.ts';
import { startTuner, Tuner, type TunerOptions } from '../../server/tuner/tuner.ts';
import type { Wound } from '../../server/world/wound.ts';
import { blobRule } from '../world/blob.ts';

const ann: Actor = { who: 'Ann', address: '10.0.0.1' };
let folder: string;
let registry: Registry;
let jobs: Jobs;
let tuner: Tuner;
let complaints: string[];
let children: ChildProcess[];
let swapped: string[];
/** How many the registry was asked. */
let questions = 0;
let answer: { ok: true; swap: number; organisms: number } | { ok: false; swap: number; reason: string };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-tuner-'));
  registry = new Registry(folder, 2_000);
  const rule = blobRule('moss');
  registry.enterShipped([{ rule, bytes: serializeRule(rule) }]);
  jobs = new Jobs(folder);
  complaints = [];
  children = [];
  swapped = [];
  answer = { ok: true, swap: 1, organisms: 3 };
});
afterEach(async () => {
  await tuner.stop();
  registry.close();
  rmSync(folder, { recursive: true });
});

/** @param behaviours - of one process after another; the last one repeats */
function makeTuner(behaviours: readonly string[], options: Partial<TunerOptions> = {}): Tuner {
  return new Tuner({
    desk: makeDesk(),
    dataDir: folder,
    mode: 'manual',
    iterations: 100,
    threads: 1,
    engine: 'wasm',
    log: (text) => complaints.push(text),
    spawn: (job) => {
      const behaviour = behaviours[Math.min(children.length, behaviours.length - 1)];
      const child = fork(join(import.meta.dirname, 'stubTuning.ts'), [job, behaviour], {
        execArgv: [],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      children.push(child);
      return child;
    },
    ...options,
  });
}

function makeDesk(): SwapDesk {
  return {
    ask: async (question: (registry: Registry) => unknown) => {
      questions++;
      return question(registry);
    },
    swap: async ({ species, rule }: { species: string; rule: number }, { who }: Actor) => {
      swapped.push(`${who}: ${species} to rule ${rule}`);
      return answer;
    },
  } as unknown as SwapDesk;
}

const wound = (species: string, x = 0): Wound => ({
  species,
  rule: `${species}@1`,
  blows: [{ afterSteps: 0, tool: 'ablate', radius: 3, points: [x, 0] }],
  healthBefore: 1,
  healthLeast: 0.5,
  healthAfter: 1,
  healedInSteps: 40,
});
const session = (...wounds: Wound[]) => ({ id: 's1', wounds });
/** A session with enough different wounds of each species. */
const hurt = (...species: string[]) =>
  session(...species.flatMap((one) => Array.from({ length: 10 }, (_, x) => wound(one, x))));
/** Another one, with other wounds. */
const hurtAgain = (species: string) => ({
  id: 's2',
  wounds: Array.from({ length: 10 }, (_, x) => wound(species, 100 + x)),
});
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
};
/** Resolves when the registry was asked this often more. */
const asked = async (times: number): Promise<void> => {
  const before = questions;
  await until(() => questions >= before + times);
};
const tuned = (): RuleRecord[] => registry.rules().filter(({ origin }) => origin === 'tuned');

test('a session whose process was killed is tuned on after the next start', () => {
  const config = { ...readConfig([], {}), dataDir: folder, tuner: 'manual' as const };
  const sessions = {
    isRunning: true,
    recovered: [hurt('moss') as unknown as SessionRecord],
    onBegin: () => {},
    onEnd: () => {},
  };
  tuner = startTuner(config, 'wasm', makeDesk(), sessions);
  expect(jobs.list().map((name) => jobs.read(name).species)).toEqual(['moss']);
});

test('jobs of an earlier version, each on one session, become wounds of their species', () => {
  const old = { format: 1, session: 's0', species: 'moss', options: {}, incumbent: null, failures: 0 };
  for (const first of [0, 3]) {
    const name = `2020010100000000${first}-moss`;
    mkdirSync(jobs.path(name), { recursive: true });
    const wounds = [0, 1, 2].map((x) => ({ blows: wound('moss', first + x).blows }));
    writeFileSync(jobs.path(name, 'job'), JSON.stringify({ ...old, wounds }));
  }
  tuner = makeTuner(['work']);
  tuner.sessionBegan();
  tuner.begin();
  const waiting = jobs.list().map((name) => jobs.read(name));
  expect(waiting).toMatchObject([{ species: 'moss', session: 's0', incumbent: null }]);
});

describe('a session that ends', () => {
  test('queues every species that was hurt enough, and nothing if none was', async () => {
    tuner = makeTuner(['work']);
    tuner.sessionBegan();
    tuner.sessionEnded(session(), true);
    expect(jobs.list()).toEqual([]);
    tuner.sessionEnded(hurt('moss', 'fern'), true);
    const waiting = jobs.list().map((name) => jobs.read(name));
    expect(waiting.map(({ species }) => species).sort()).toEqual(['fern', 'moss']);
    expect(waiting[0]).toMatchObject({
      session: 's1',
      failures: 0,
      incumbent: null,
      wounds: { trained: [], heldOut: [] },
      options: { iterations: 100, threads: 1 },
    });
  });

  test('with few wounds queues nothing: they are gathered, over sessions and restarts, until there are enough', async () => {
    tuner = makeTuner(['work']);
    tuner.sessionEnded(session(wound('moss', 1), wound('moss', 2)));
    expect(jobs.list()).toEqual([]);
    expect(tuner.view.gathering).toEqual([{ species: 'moss', wounds: 2, needed: 6 }]);
    expect(tuner.view.notes[0].text).toBe('moss: 2 of 6 new different wounds so far');
    await tuner.stop();
    tuner = makeTuner(['work']);
    expect(tuner.view.gathering).toHaveLength(1);
    tuner.sessionEnded(session(wound('moss', 3), wound('moss', 4), wound('moss', 5), wound('moss', 6)));
    await until(() => tuner.view.losses.length > 0);
    expect(tuner.view.gathering).toEqual([]);
    const job = jobs.read(jobs.list()[0]);
    expect([job.wounds.trained.length, job.wounds.heldOut.length]).toEqual([4, 2]);
    expect(tuner.view.job).toMatchObject({ wounds: 4, heldOut: 2 });
  });

  test('while the species waits queues it once; the job takes all wounds when it begins, and no attempt needs them again', async () => {
    tuner = makeTuner(['work', 'candidate']);
    tuner.sessionBegan();
    tuner.sessionEnded(hurt('moss'), true);
    tuner.sessionEnded(hurtAgain('moss'), true);
    expect(jobs.list()).toHaveLength(1);
    tuner.sessionEnded(session());
    await until(() => tuner.view.losses.length > 0);
    const { wounds, session: newest } = jobs.read(jobs.list()[0]);
    expect(wounds.trained.length + wounds.heldOut.length).toBe(20);
    expect(newest).toBe('s2');
    tuner.sessionBegan();
    await until(() => tuner.view.state === 'paused');
    tuner.sessionEnded(session());
    await until(() => tuned().length === 1 && tuner.view.state === 'idle');
    expect(jobs.list()).toEqual([]);
  });

  const woundsOf = (): number => {
    const { trained, heldOut } = jobs.read(jobs.list()[0]).wounds;
    return trained.length + heldOut.length;
  };

  test('while its attempt is paused gives that attempt its wounds', async () => {
    tuner = makeTuner(['work', 'work', 'candidate']);
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.state === 'training');
    tuner.sessionBegan();
    await until(() => tuner.view.state === 'paused');
    expect(woundsOf()).toBe(10);
    tuner.sessionEnded(hurtAgain('moss'));
    await until(() => children.length === 2 && tuner.view.state === 'training');
    expect(woundsOf()).toBe(20);
    tuner.sessionBegan();
    await until(() => tuner.view.state === 'paused');
    tuner.sessionEnded(session());
    await until(() => children.length === 3 && tuner.view.state === 'idle');
  });

  test('while its attempt runs at a worker leaves its wounds to the next one', async () => {
    tuner = makeTuner(['work', 'work', 'candidate', 'work'], { isFar: true });
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.state === 'training');
    tuner.sessionEnded(hurtAgain('moss'));
    const again = async (processes: number): Promise<void> => {
      await tuner.setMode('off', ann);
      await until(() => children.at(-1)!.exitCode !== null);
      await tuner.setMode('manual', ann);
      await until(() => children.length === processes && tuner.view.state === 'training');
    };
    await again(2);
    expect(woundsOf()).toBe(10);
    await again(4);
    expect([woundsOf(), tuned().length]).toEqual([20, 1]);
  });

  test('an attempt at a worker goes on while players are here, shows how far it is, and is entered when they have left', async () => {
    tuner = makeTuner(['work'], { isFar: true });
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.state === 'training');
    tuner.sessionBegan();
    expect(children[0].exitCode).toBeNull();
    children[0].emit('message', { ...tuner.view.job, type: 'progress', done: 50, loss: 0.005 });
    expect(tuner.view).toMatchObject({ state: 'training', job: { done: 50 } });
    expect(tuner.view.losses).toHaveLength(2);
    await tuner.stop();

    children = [];
    tuner = makeTuner(['candidate'], { isFar: true });
    tuner.begin();
    await until(() => children.length === 1);
    tuner.sessionBegan();
    await until(() => tuner.view.state === 'paused');
    expect(tuned()).toEqual([]);
    tuner.sessionEnded(session());
    await until(() => tuned().length === 1 && tuner.view.state === 'idle');
  });

  test('ends in a candidate in the registry with figures, parent and film, and no swap', async () => {
    tuner = makeTuner(['candidate']);
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuned().length === 1 && tuner.view.state === 'idle');
    const [candidate] = tuned();
    const parent = registry.find('moss', 1);
    expect(candidate).toMatchObject({ name: 'moss', version: 2, status: 'candidate', parent: parent.id });
    expect(candidate.metrics).toMatchObject({
      learned: { wounds: 9, recoveryBefore: 0.5, recoveryAfter: 0.9 },
      reasons: [],
    });
    expect(tuner.candidates.film(candidate.id)?.toString()).toBe('a film');
    expect(tuner.candidates.film(parent.id)).toBeNull();
    expect(swapped).toEqual([]);
    expect(jobs.list()).toEqual([]);
    expect(tuner.view.attempts).toMatchObject([
      {
        species: 'moss',
        incumbent: 'moss v1',
        label: 'moss v2',
        outcome: 'passed',
        told: 'it heals held-out wounds better, and nothing got worse',
        iterations: 9,
        trainedWounds: 8,
        heldOutWounds: 2,
        rounds: [{ aim: 'healing' }],
      },
    ]);
    // The history outlives the server.
    await tuner.stop();
    const before = tuner.view.attempts;
    tuner = makeTuner(['work']);
    expect(tuner.view.attempts).toEqual(before);
  });

  test('whose result is not better leaves a rejected rule with the reason', async () => {
    tuner = makeTuner(['rejected'], { mode: 'auto' });
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuned().length === 1);
    expect(tuned()[0]).toMatchObject({ status: 'rejected' });
    expect(tuned()[0].metrics.reasons).toEqual(['worse, recovery left: 1 → 0.5 (p = 0.001)']);
    expect(tuner.view.attempts).toMatchObject([
      { outcome: 'gave up', label: 'moss v2', told: 'worse, recovery left: 1 → 0.5 (p = 0.001)' },
    ]);
    expect(swapped).toEqual([]);
    await expect(tuner.candidates.promote(tuned()[0].id, ann)).rejects.toThrow(
      'moss v2 is not a candidate: it is tuned, rejected',
    );
  });

  test('whose wounds heal already leaves no rule', async () => {
    tuner = makeTuner(['needless']);
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.state === 'idle');
    expect(tuned()).toEqual([]);
    expect(tuner.view.notes).toHaveLength(1);
    expect(tuner.view.attempts).toMatchObject([{ outcome: 'needless', label: '' }]);
  });

  test('is not tuned for when the tuner is off', () => {
    tuner = makeTuner(['work'], { mode: 'off' });
    tuner.sessionEnded(hurt('moss'));
    expect(jobs.list()).toEqual([]);
    expect(tuner.view.state).toBe('off');
  });
});

describe('promotion', () => {
  const candidate = async (mode: 'manual' | 'auto'): Promise<RuleRecord> => {
    tuner = makeTuner(['candidate'], { mode });
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuned().length === 1 && tuner.view.state === 'idle');
    return tuned()[0];
  };

  test('by hand is a swap by that admin, and the rule is no longer a candidate', async () => {
    const { id } = await candidate('manual');
    expect(await tuner.candidates.promote(id, ann)).toMatchObject({ ok: true });
    expect(swapped).toEqual([`Ann: moss to rule ${id}`]);
    expect(registry.byId(id)).toMatchObject({ status: 'ready', metrics: { learned: { wounds: 9 } } });
  });

  test('that the probe refuses leaves it a candidate', async () => {
    const { id } = await candidate('manual');
    answer = { ok: false, swap: 1, reason: 'it dies' };
    expect(await tuner.candidates.promote(id, ann)).toMatchObject({ ok: false, reason: 'it dies' });
    expect(registry.byId(id).status).toBe('candidate');
  });

  test('by itself happens at once', async () => {
    const { id } = await candidate('auto');
    await until(() => swapped.length === 1);
    expect(swapped).toEqual([`the tuner: moss to rule ${id}`]);
  });

  test("can be refused by hand, and the rule is rejected with the admin's name", async () => {
    const { id } = await candidate('manual');
    await tuner.candidates.reject(id, ann);
    expect(registry.byId(id)).toMatchObject({
      status: 'rejected',
      metrics: { reasons: ['rejected by Ann'], learned: { wounds: 9 } },
    });
    await expect(tuner.candidates.reject(id, ann)).rejects.toThrow('is not a candidate');
    await expect(tuner.candidates.promote(999, ann)).rejects.toThrow('no rule has the number 999');
  });

  /** An admin swaps to another rule, which is watched. @returns numbers of the rule and the swap */
  const beginSwap = (fireRate: number): { readonly rule: number; readonly swap: number } => {
    const other = registry.add(
      { bytes: serializeRule({ ...blobRule('moss'), fireRate }), origin: 'uploaded' },
      ann,
    );
    const { id } = registry.wantSwap({ species: 'moss', rule: other.id, scope: 'species' }, ann);
    registry.settle(id, 'watched', '', ann);
    return { rule: other.id, swap: id };
  };

  /** An admin puts another rule into force. @returns its number */
  const swapByHand = (fireRate: number): number => {
    const { rule, swap } = beginSwap(fireRate);
    registry.settle(swap, 'in force', '', ann);
    return rule;
  };

  test('of another rule by an admin ends a running attempt with the reason, and it begins again from that rule', async () => {
    tuner = makeTuner(['work', 'candidate'], { inForceMs: 20 });
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.losses.length > 0);
    writeFileSync(jobs.path(jobs.list()[0], 'checkpoint'), 'of the rule before');
    const other = swapByHand(0.6);
    await until(() => tuned().length === 1 && tuner.view.state === 'idle');
    expect(tuned()[0]).toMatchObject({ parent: other, status: 'candidate' });
    expect(tuner.view.attempts).toMatchObject([
      { outcome: 'passed', incumbent: 'moss v2', trainedWounds: 8 },
      {
        outcome: 'ended',
        incumbent: 'moss v1',
        told: 'moss v2 came into force instead of moss v1',
        iterations: 7,
      },
    ]);
    expect(tuner.view.notes.map(({ text }) => text)).toContain(
      'moss v2 came into force instead of moss v1: the attempt at moss begins again from it',
    );
  });

  test('of another rule while it is paused does the same; what it had left is removed', async () => {
    tuner = makeTuner(['work', 'work']);
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.losses.length > 0);
    const [name] = jobs.list();
    tuner.sessionBegan();
    await until(() => tuner.view.state === 'paused');
    for (const file of ['checkpoint', 'result', 'root'] as const) writeFileSync(jobs.path(name, file), '{}');
    swapByHand(0.6);
    tuner.sessionEnded(session());
    await until(() => children.length === 2);
    expect(readdirSync(jobs.path(name)).sort()).toEqual(['incumbent.safetensors', 'job.json']);
    expect(jobs.read(name)).toMatchObject({ incumbent: { label: 'moss v2' }, root: { label: 'moss v2' } });
  });

  test('of another rule that is rolled back ends no attempt: it goes on meanwhile, and keeps what it has', async () => {
    tuner = makeTuner(['work', 'candidate'], { inForceMs: 20 });
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.losses.length > 0);
    const [name] = jobs.list();
    writeFileSync(jobs.path(name, 'checkpoint'), 'hours of work');
    const { swap } = beginSwap(0.6);
    // It is asked again and again, and goes on.
    await asked(3);
    expect(tuner.view.state).toBe('training');
    // Players come and go: it does not begin before the verdict.
    tuner.sessionBegan();
    await until(() => tuner.view.state === 'paused');
    tuner.sessionEnded(session());
    await asked(3);
    expect(children).toHaveLength(1);
    expect(readdirSync(jobs.path(name))).toContain('checkpoint.bin');
    registry.settle(swap, 'rolled back', 'it dies', ann);
    await until(() => tuned().length === 1 && tuner.view.state === 'idle');
    expect(tuner.view.attempts).toMatchObject([{ outcome: 'passed', incumbent: 'moss v1' }]);
  });

  test('of another species waits for no verdict', async () => {
    const fern = blobRule('fern');
    registry.enterShipped([{ rule: fern, bytes: serializeRule(fern) }]);
    beginSwap(0.6);
    tuner = makeTuner(['candidate'], { inForceMs: 20 });
    tuner.sessionEnded(hurt('moss', 'fern'));
    await until(() => tuned().length === 1);
    expect(tuner.view.attempts).toMatchObject([{ species: 'fern', outcome: 'passed' }]);
    expect(jobs.list().map((name) => jobs.read(name).species)).toEqual(['moss']);
  });

  test('makes the next attempt begin from the promoted rule, with the untuned one as its root', async () => {
    tuner = makeTuner(['candidate', 'work']);
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuned().length === 1 && tuner.view.state === 'idle');
    const { id } = registry.wantSwap({ species: 'moss', rule: tuned()[0].id, scope: 'species' }, ann);
    registry.settle(id, 'in force', '', ann);
    tuner.sessionEnded(hurtAgain('moss'));
    await until(() => tuner.view.state === 'training');
    const [name] = jobs.list();
    expect(jobs.read(name)).toMatchObject({ incumbent: { label: 'moss v2' }, root: { label: 'moss v1' } });
    expect(readdirSync(jobs.path(name)).sort()).toEqual([
      'incumbent.safetensors',
      'job.json',
      'root.safetensors',
    ]);
  });
});

describe('a session that begins', () => {
  test('stops the process; the queue goes on when the session ends', async () => {
    tuner = makeTuner(['work', 'candidate']);
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.losses.length > 0);
    expect(tuner.view).toMatchObject({
      state: 'training',
      job: {
        species: 'moss',
        done: 7,
        planned: 100,
        aim: 'picture',
        because: 'worse, error at step 1000',
        rounds: [{ aim: 'healing', iterations: 5 }],
      },
    });
    tuner.sessionBegan();
    await until(() => tuner.view.state === 'paused');
    expect(children[0].exitCode).toBe(75);
    expect(tuner.view).toMatchObject({ losses: [[7, 0.01]], spotChecks: [[0, 0.5]], queue: [] });
    expect(tuner.view.pauseMs).toBeGreaterThan(0);
    expect(jobs.list()).toHaveLength(1);
    tuner.sessionEnded(session());
    await until(() => tuned().length === 1);
    expect(complaints.join()).not.toContain('failed');
  });

  test('kills a process that does not pause', async () => {
    tuner = makeTuner(['deaf']);
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.losses.length > 0);
    tuner.sessionBegan();
    await until(() => tuner.view.state === 'paused');
    expect(children[0].signalCode).toBe('SIGKILL');
    expect(jobs.read(jobs.list()[0]).failures).toBe(0);
  });

  test("before the last one's record was written keeps the tuner from starting, and those wounds are queued", async () => {
    tuner = makeTuner(['work']);
    tuner.sessionBegan();
    tuner.sessionEnded(hurt('moss'), true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([children.length, jobs.list().length, tuner.view.state]).toEqual([0, 1, 'paused']);
  });

  test('before the process has started, none is started', async () => {
    tuner = makeTuner(['work']);
    tuner.sessionEnded(hurt('moss'));
    tuner.sessionBegan();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(children).toHaveLength(0);
    expect(tuner.view.state).toBe('paused');
  });
});

describe('when a process or a job fails', () => {
  test.each(['crash', 'nothing'])(
    'a process that ends without a result (%s) is started again, and given up the third time',
    async (behaviour) => {
      tuner = makeTuner([behaviour], { retryMs: 1 });
      tuner.sessionEnded(hurt('moss'));
      await until(() => tuner.view.state === 'idle');
      expect(children).toHaveLength(3);
      expect(complaints).toHaveLength(3);
      for (const complaint of complaints)
        expect(complaint).toContain('tuning moss on session s1 has failed: ');
      expect(complaints[2]).toContain('given up');
    },
  );

  test('a killed process is started again, and the job succeeds', async () => {
    tuner = makeTuner(['work', 'candidate'], { retryMs: 1 });
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.losses.length > 0);
    children[0].kill('SIGKILL');
    await until(() => tuned().length === 1);
    expect(complaints[0]).toContain('it was killed; tried again (1 of 3)');
  });

  test('a disk that takes no files is waited for, and counts against no job', async () => {
    tuner = makeTuner([...Array(4).fill('full disk'), 'crash', 'crash', 'candidate'], { retryMs: 1 });
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuned().length === 1);
    expect(children).toHaveLength(7);
    expect(complaints[3]).toBe(
      'tuner: tuning moss on session s1 waits for the disk: cannot write checkpoint: ENOSPC',
    );
  });

  test('a process that reports why its job cannot succeed is not started again', async () => {
    tuner = makeTuner(['hopeless']);
    tuner.sessionEnded(hurt('moss'));
    await until(() => tuner.view.state === 'idle');
    expect(children).toHaveLength(1);
    expect(complaints[0]).toContain('moss does not grow; given up');
  });

  test('a species without a rule, or a job that cannot be read, is dropped with its name, and the next job runs', async () => {
    const name = '20200101000000000-broken';
    mkdirSync(jobs.path(name), { recursive: true });
    writeFileSync(jobs.path(name, 'job'), '{');
    tuner = makeTuner(['candidate']);
    tuner.sessionEnded(hurt('fern', 'moss'));
    await until(() => tuned().length === 1 && tuner.view.state === 'idle');
    const told = tuner.view.notes.map(({ text }) => text).join('\n');
    expect(told).toContain('job.json is not JSON: the job is dropped');
    expect(told).toContain('fern has no rule in force: the job is dropped');
  });

  test('a result that a killed server had not entered is entered at the next start', async () => {
    tuner = makeTuner(['candidate']);
    tuner.sessionEnded(hurt('moss'));
    await until(() => children.length === 1);
    await tuner.stop();
    // What it left, at any moment, is continued.
    tuner = makeTuner(['candidate']);
    tuner.begin();
    await until(() => tuned().length === 1);
    expect(tuned()[0].status).toBe('candidate');
  });

  test('the queue is bounded: the oldest waiting job is dropped for a new one, and reported', () => {
    tuner = makeTuner(['work']);
    tuner.sessionBegan();
    const job = {
      format: 2,
      session: 's',
      species: 'moss',
      wounds: { trained: [], heldOut: [] },
      failures: 0,
      incumbent: null,
      root: null,
      begun: '',
    } as const;
    const options = { iterations: 1, threads: 1, engine: 'wasm' } as const;
    const at = (n: number): string => `2026-01-01T00:00:${String(n).padStart(2, '0')}.000Z`;
    for (let n = 0; n < MAX_JOBS; n++) expect(jobs.add({ ...job, options }, at(n)).dropped).toBeNull();
    const [first, second] = jobs.list();
    expect(jobs.add({ ...job, options }, at(MAX_JOBS)).dropped).toBe(second);
    expect(jobs.list()).toHaveLength(MAX_JOBS);
    expect(jobs.list()[0]).toBe(first);
  });
});

test('an admin cancels the running job and turns the tuner off and on, and each act is audited', async () => {
  tuner = makeTuner(['work']);
  await expect(tuner.cancel(ann)).rejects.toThrow('nothing is being tuned');
  tuner.sessionEnded(hurt('moss'));
  await until(() => tuner.view.losses.length > 0);
  await tuner.cancel(ann);
  await until(() => tuner.view.state === 'idle');
  expect(jobs.list()).toEqual([]);
  expect(tuner.view.attempts).toMatchObject([
    { outcome: 'ended', told: 'an admin cancelled it', iterations: 7 },
  ]);
  await tuner.setMode('off', ann);
  await tuner.setMode('auto', ann);
  expect(tuner.view.mode).toBe('auto');
  expect(
    registry.audit.entries(3).map(({ action, subject, who }) => [action, subject.replace(/\d+/, ''), who]),
  ).toEqual([
    ['tuner', 'auto', 'Ann'],
    ['tuner', 'off', 'Ann'],
    ['cancel tuning', '-moss', 'Ann'],
  ]);
});

test('a curve keeps its shape with few points, and goes back when training does', () => {
  const series = new Series();
  for (let i = 1; i <= 10_000; i++) series.add(i, 1 / i);
  expect(series.points.length).toBeLessThan(240);
  expect(series.points.length).toBeGreaterThan(60);
  for (const [x, y] of series.points) expect(y).toBeCloseTo(1 / x, 3);
  series.add(50, 1);
  expect(series.points.at(-1)![0]).toBeLessThanOrEqual(50);
});
