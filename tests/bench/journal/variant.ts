/** One variant in a process of its own: the simulation thread and, on the main thread, the players' strokes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { readConfig } from '../../../server/config.ts';
import { linkWorld, type ThreadPort, type WorldThread } from '../../../server/links/threadLink.ts';
import { pageKey } from '../../../server/stream/pageKey.ts';
import type { Doer } from '../../../server/world/messages.ts';
import { pagesAcross } from '../../../shared/geometry.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { answer, costs } from '../fanout/messages.ts';
import type { Turn, Variant } from './figures.ts';

export const STROKES_PER_SECOND = 64;
const DEFAULT_SPEED = 30;
/** The fastest setting: the machine is the bound. */
const FULL_SPEED = 1_000;
/** A new speed has come into its own. */
const SETTLE_MS = 500;
const RADIUS_CELLS = 2.5;
/** Strokes begin this near a body's seed. */
const NEAR_CELLS = 14;
/** One stroke a second each: far below what a player may do. */
const PLAYERS: readonly Doer[] = Array.from({ length: STROKES_PER_SECOND }, (_, i) => ({
  guest: `player-${i}`,
  address: `10.0.0.${i}`,
  name: `Player ${i}`,
}));

export interface VariantCalls {
  /** Grows the garden to that step. Answers how many bodies there are. */
  start: { ask: { dataDir: string; variant: Variant; growToStep: number }; answer: number };
  measure: { ask: { seconds: number }; answer: Turn };
  /** Plays at the default speed, then goes on playing until the process is killed. */
  play: { ask: { seconds: number }; answer: null };
  stop: { ask: null; answer: null };
}

let world: WorldThread;
const random = seededRandom(7);
let strokes = 0;
const frames: { readonly step: number; readonly closedMs: number }[] = [];

const setSpeed = (stepsPerSecond: number): Promise<unknown> =>
  world.ask({ kind: 'control', control: { kind: 'speed', stepsPerSecond } });

async function strike(bodies: readonly { readonly x: number; readonly y: number }[]): Promise<number | null> {
  const { x, y } = bodies[Math.floor(random() * bodies.length)];
  const near = (): number => (random() * 2 - 1) * NEAR_CELLS;
  const { width, height } = world.ready;
  const inside = (at: number, side: number): number => Math.min(side - 1, Math.max(0, at));
  const points = [x + near(), y + near(), x + near(), y + near()].map((at, i) =>
    inside(at, i % 2 === 0 ? width : height),
  );
  const beganMs = performance.now();
  const stroke = { id: strokes, tool: 'ablate', radius: RADIUS_CELLS, points } as const;
  const outcome = await world.ask({ kind: 'stroke', by: PLAYERS[strokes++ % PLAYERS.length], stroke });
  return outcome.ok ? performance.now() - beganMs : null;
}

/** Strokes at an even rate, each when it is due, however long the answers take. */
async function strokeFor(ms: number): Promise<{ acknowledgedMs: number[]; refused: number }> {
  const bodies = await world.ask({ kind: 'organisms' });
  const beganMs = performance.now();
  const all: Promise<number | null>[] = [];
  for (let i = 0; ; i++) {
    const dueMs = beganMs + (i * 1_000) / STROKES_PER_SECOND;
    if (dueMs > beganMs + ms) break;
    await sleep(Math.max(0, dueMs - performance.now()));
    all.push(strike(bodies));
  }
  const answers = await Promise.all(all);
  const acknowledgedMs = answers.filter((one) => one !== null);
  return { acknowledgedMs, refused: answers.length - acknowledgedMs.length };
}

/** From the first to the last of the frames that were kept. */
function travelled(): { readonly steps: number; readonly ms: number } {
  const [first, last] = [frames[0], frames.at(-1)!];
  return { steps: last.step - first.step, ms: last.closedMs - first.closedMs };
}

answer<VariantCalls>({
  async start({ dataDir, variant, growToStep }) {
    const config = readConfig(
      ['--data-dir', dataDir, '--durability', variant === 'none' ? 'os' : variant, '--engine', 'wasm'],
      {},
    );
    const thread = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { ...config, owner: null, throwsAway: variant === 'none' },
    });
    world = await linkWorld(thread as ThreadPort);
    world.onDeath = (error) => {
      throw error;
    };
    world.onFrame = (frame) => {
      frames.push({ step: frame.step, closedMs: (frame as typeof frame & { closedMs: number }).closedMs });
    };
    const { width, height } = world.ready;
    const pages = pagesAcross(width) * pagesAcross(height);
    // Somebody looks at all of it: every frame is published.
    world.watch(
      Array.from({ length: pages }, (_, page) => pageKey(0, page)),
      [],
    );
    await setSpeed(FULL_SPEED);
    while ((frames.at(-1)?.step ?? 0) < growToStep) await sleep(100);
    await setSpeed(0);
    return (await world.ask({ kind: 'organisms' })).length;
  },

  async measure({ seconds }) {
    await setSpeed(FULL_SPEED);
    await sleep(SETTLE_MS);
    frames.length = 0;
    await strokeFor(seconds * 1_000);
    const full = travelled();
    const stepsPerSecond = (full.steps * 1_000) / full.ms;

    await setSpeed(DEFAULT_SPEED);
    await sleep(SETTLE_MS);
    frames.length = 0;
    const before = costs();
    const { acknowledgedMs, refused } = await strokeFor(seconds * 1_000);
    const processorMsPerStep = ((costs().cpuSeconds - before.cpuSeconds) * 1_000) / travelled().steps;
    const frameMs = frames.slice(1).map(({ closedMs }, i) => closedMs - frames[i].closedMs);
    await setSpeed(0);
    return { stepsPerSecond, processorMsPerStep, acknowledgedMs, refused, frameMs };
  },

  async play({ seconds }) {
    await setSpeed(DEFAULT_SPEED);
    await strokeFor(seconds * 1_000);
    void strokeFor(60_000);
    return null;
  },

  async stop() {
    await setSpeed(DEFAULT_SPEED);
    world.onDeath = () => {};
    await world.stop();
    return null;
  },
});
