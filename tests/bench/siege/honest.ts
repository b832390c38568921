/** A process of its own: honest players, one observer, and visitors who come again and again. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPageCodec } from '../../../server/stream/codec.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { Observer } from '../soak/observer.ts';
import type { Surroundings } from '../soak/page.ts';
import { Ledger, type Tally } from '../soak/tally.ts';
import { honestAddress } from './addresses.ts';
import type { HonestWindow } from './figures.ts';
import { HonestPlayer } from './honestPlayer.ts';
import type { FromHonest, HonestTask, ToHonest } from './processes.ts';
import { regularsOf } from './regulars.ts';
import { StrokeWaits } from './strokeWaits.ts';

const LOOP_SAMPLE_MS = 10;
/** The world says its figures once per second: a window may lack up to this at its ends. */
const STATS_SLACK_SECONDS = 2;
const LOOK_MS = 200;
/** Players come one after the other. */
const ARRIVAL_MS = 100;

const task = JSON.parse(process.argv[2]) as HonestTask;
const say = (word: FromHonest): void => void process.send?.(word);
// The benchmark has ended without a word.
process.on('disconnect', () => process.exit(1));

await readPageCodec();
const over = new AbortController();
const ledger = new Ledger();
const waits = new StrokeWaits();
const around: Surroundings = {
  url: task.url,
  world: task.world,
  species: task.species,
  bodies: () => task.bodies,
  ledger,
  addressOf: honestAddress,
  strokes: waits,
  signal: over.signal,
};
const players = Array.from(
  { length: task.players },
  (_, i) => new HonestPlayer(i + 1, around, seededRandom(task.randomSeed * 1_000 + i)),
);

if (task.isPlanting) {
  const planted = await Promise.all(players.map((player) => player.plant()));
  say({ kind: 'planted', bodies: planted.filter(Boolean).length });
  process.disconnect();
  process.exit();
}

const observer = new Observer(around);
const regulars = regularsOf(task.url, task.world, task.asset);
const loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
loop.enable();

interface StepAt {
  readonly step: number;
  readonly atMs: number;
}
/** What the observer heard first in this window, and last. */
let first: StepAt | null = null;
let last: StepAt | null = null;
let heard = 0;
const watching = setInterval(() => {
  const { stats } = observer;
  if (stats === null || stats.atMs === heard) return;
  heard = stats.atMs;
  last = { step: stats.message.step, atMs: stats.atMs };
  first ??= last;
}, LOOK_MS);

let since = { atMs: performance.now(), frames: 0, refused: {}, errors: {} };

function countsSince(before: Readonly<Record<string, number>>, tally: Tally): Record<string, number> {
  const counts = Object.entries(tally.counts).map(
    ([kind, count]) => [kind, count - (before[kind] ?? 0)] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

function take(): HonestWindow {
  const nowMs = performance.now();
  const seconds = (nowMs - since.atMs) / 1_000;
  const late = (ns: number): number => Math.max(0, ns / 1e6 - LOOP_SAMPLE_MS);
  const [from, to] = [first, last] as [StepAt | null, StepAt | null];
  const steps = from === null || to === null ? null : to.step - from.step;
  // A world that has fallen silent has not stepped since.
  const stepSeconds =
    Math.max((to?.atMs ?? 0) - (from?.atMs ?? 0), 1_000 * (seconds - STATS_SLACK_SECONDS)) / 1_000;
  const window: HonestWindow = {
    seconds,
    strokes: waits.take(nowMs),
    stepsPerSecond: steps === null || stepSeconds <= 0 ? null : steps / stepSeconds,
    framesPerSecond: (observer.frames - since.frames) / seconds,
    loopDelayMs: { p50: late(loop.percentile(50)), p99: late(loop.percentile(99)), max: late(loop.max) },
    refused: countsSince(since.refused, ledger.refused),
    errors: countsSince(since.errors, ledger.errors),
    regulars: Object.fromEntries([...regulars].map(([name, visitor]) => [name, visitor.take()])),
  };
  loop.reset();
  first = last;
  since = {
    atMs: nowMs,
    frames: observer.frames,
    refused: ledger.refused.counts,
    errors: ledger.errors.counts,
  };
  return window;
}

async function play(): Promise<void> {
  const running: Promise<unknown>[] = [observer.run()];
  for (const player of players) {
    running.push(player.run());
    await sleep(ARRIVAL_MS);
  }
  for (const visitor of regulars.values()) running.push(visitor.run(over.signal));
  while (!players.every(({ isHere }) => isHere)) await sleep(LOOK_MS, undefined, { signal: over.signal });
  say({ kind: 'ready' });
  // A player or visitor who fails is a bug of the benchmark, and ends it.
  await Promise.all(running);
}

process.on('message', (word: ToHonest) => {
  if (word === 'take') say({ kind: 'window', window: take() });
  else over.abort();
});
try {
  await play();
} catch (error) {
  if (!over.signal.aborted) throw error;
}
clearInterval(watching);
process.disconnect();
process.exit();
