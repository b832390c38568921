/**
 * `npm run bench -- nursery --players n [--seconds n] [--rounds n] [--json]`: what a learning costs those who play. In
 * each round the same players stroke without a learning, then with one. Rounds alternate, because a machine that does
 * other work changes.
 */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import { Random } from '../../../server/training/random.ts';
import { packDrawing } from '../../../shared/drawing/packed.ts';
import type { DrawingsMessage } from '../../../shared/nursery.ts';
import { ClientMessageType, ServerMessageType, type StrokeResultMessage } from '../../../shared/protocol.ts';
import { STARTERS } from '../../../shared/starters/starters.ts';
import { LoadClient } from '../load/client.ts';
import { BenchServer } from '../load/server.ts';

const WORLD = { width: 1024, height: 1024 };
/** Of one player. */
const STROKE_MS = 400;
const RADIUS = 2;
/** Around the middle, where the garden is. */
const REACH_CELLS = 160;
const MAX_BEGIN_MS = 60_000;
/** Addresses may send six drawings at once. */
const MAX_ROUNDS = 6;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    players: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
  },
});
const [players, seconds] = [Number(values.players), Number(values.seconds)];
const rounds = Math.min(MAX_ROUNDS, Number(values.rounds));

interface Phase {
  /** From sending a stroke to its result, ms. */
  readonly strokesMs: number[];
  readonly stepsPerSecond: number[];
}

const quantile = (all: readonly number[], share: number): number =>
  all.toSorted((a, b) => a - b)[Math.min(all.length - 1, Math.floor(share * all.length))] ?? Number.NaN;
const mean = (all: readonly number[]): number => all.reduce((sum, one) => sum + one, 0) / all.length;

const server = new BenchServer({
  flags: [
    '--nursery',
    'open',
    '--energy-per-address',
    '1000',
    '--guests-per-address',
    '1000',
    '--tuner',
    'off',
  ],
});
const stop = new AbortController();
await server.start(stop.signal);
const random = new Random(1);
const place = (): number => WORLD.width / 2 + random.between(-REACH_CELLS, REACH_CELLS);
const clients = Array.from(
  { length: players },
  (_, index) => new LoadClient(index, WORLD, false, { x: place(), y: place() }, () => {}),
);
let phase: Phase = { strokesMs: [], stepsPerSecond: [] };
let drawings: DrawingsMessage['drawings'] = [];
for (const client of clients) {
  const sent = new Map<number, number>();
  let id = 0;
  client.onMessage = (type, payload) => {
    if (type === ServerMessageType.drawings) drawings = (decodeMsgpack(payload) as DrawingsMessage).drawings;
    if (type !== ServerMessageType.strokeResult) return;
    const result = decodeMsgpack(payload) as StrokeResultMessage;
    const atMs = sent.get(result.id);
    sent.delete(result.id);
    if (atMs !== undefined) phase.strokesMs.push(performance.now() - atMs);
  };
  await client.join(server.url);
  setInterval(() => {
    sent.set(++id, performance.now());
    const [x, y] = [place(), place()];
    client.send(ClientMessageType.stroke, { id, tool: 'ablate', radius: RADIUS, points: [x, y, x + 6, y] });
  }, STROKE_MS + client.index).unref();
}

async function measure(into: Phase): Promise<void> {
  phase = into;
  for (let second = 0; second < seconds; second++) {
    await sleep(1_000);
    into.stepsPerSecond.push((await server.health()).stepsPerSecond);
  }
}

const [sender] = clients;
const without: Phase = { strokesMs: [], stepsPerSecond: [] };
const withOne: Phase = { strokesMs: [], stepsPerSecond: [] };
try {
  await sleep(3_000);
  for (let round = 0; round < rounds; round++) {
    await measure(without);
    phase = { strokesMs: [], stepsPerSecond: [] };
    const { name, drawing } = STARTERS[round];
    sender.send(ClientMessageType.submit, { name, drawing: packDrawing(drawing), isFree: true });
    const isLearning = (): boolean => drawings.some((one) => one.name === name && one.state === 'learning');
    for (let waited = 0; !isLearning(); waited += 100) {
      if (waited > MAX_BEGIN_MS) throw new Error(`${name} is not learned: ${JSON.stringify(drawings)}`);
      await sleep(100);
    }
    // The process loads its kernels.
    await sleep(2_000);
    await measure(withOne);
    phase = { strokesMs: [], stepsPerSecond: [] };
    for (const { id, state } of drawings)
      if (state === 'learning') sender.send(ClientMessageType.withdraw, { drawing: id });
    await sleep(4_000);
  }
} finally {
  for (const client of clients) client.drop();
  await server.stop();
}

const figures = (one: Phase) => ({
  strokes: one.strokesMs.length,
  p50Ms: Number(quantile(one.strokesMs, 0.5).toFixed(1)),
  p99Ms: Number(quantile(one.strokesMs, 0.99).toFixed(1)),
  stepsPerSecond: Number(mean(one.stepsPerSecond).toFixed(2)),
});
const [a, b] = [figures(without), figures(withOne)];
const result = {
  players,
  seconds,
  rounds,
  cores: availableParallelism(),
  load: loadavg().map((one) => Number(one.toFixed(1))),
  without: a,
  with: b,
  p99Ratio: Number((b.p99Ms / a.p99Ms).toFixed(2)),
  stepsRatio: Number((b.stepsPerSecond / a.stepsPerSecond).toFixed(3)),
};
if (values.json) console.log(JSON.stringify(result, undefined, 2));
else {
  for (const [label, one] of [
    ['without', a],
    ['with', b],
  ] as const)
    console.log(
      `${label.padEnd(8)} ${one.strokes} strokes, p50 ${one.p50Ms} ms, p99 ${one.p99Ms} ms, ${one.stepsPerSecond} steps/s`,
    );
  console.log(`p99 ${result.p99Ratio} x, steps ${result.stepsRatio} x; load ${result.load.join(' ')}`);
}
process.exit(0);
