/**
 * `npm run bench -- soak [--minutes 20] [--bots 25] [--organisms n] [--size WxH] [--random-seed n] [--json]`: a real
 * server process, first untouched, then with players who wander, stroke with every tool, plant, leave, drop, stall and
 * come back, then alone again. It checks whether a body outgrows itself, whether a figure gets worse by itself, and
 * whether the world comes to rest.
 *
 * The bots run in this process, which shares the cores with the server: `loadProcessorPercent` is its share.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readPageCodec } from '../../server/stream/codec.ts';
import { seededRandom } from '../engines/fixtures.ts';
import { BenchServer } from './load/server.ts';
import { Bot } from './soak/bot.ts';
import { matureSizes } from './soak/mature.ts';
import { Observer } from './soak/observer.ts';
import type { Surroundings } from './soak/page.ts';
import { ticksPerSecond } from './soak/proc.ts';
import { printTable, type Report, reportOf } from './soak/report.ts';
import { Sampler } from './soak/sampler.ts';
import { SizeWatch } from './soak/sizes.ts';
import { Ledger } from './soak/tally.ts';

/** The untouched level and the return to it are measured for as long as the time with bots, but at most a minute. */
const MAX_QUIET_MS = 60_000;
/** The garden is grown after this, so that figures are of bodies, not of growth. */
const GROWN_STEPS = 600;
const MAX_GROWING_MS = 120_000;
/** What the server logs of a body: its rule, and why. */
const WILTS = /^organism \d+, an? \S+ by (.+?) at \(.*, wilts: (.+)$/;
const MAX_ARRIVAL_MS = 20_000;
const ARRIVAL_SHARE = 0.1;
/** The server allows 64 sockets per address, including HTTP requests. */
const MAX_BOTS = 50;
/** All of them come from one address. */
const MANY = ['--guests-per-address', '1000', '--energy-per-address', '1000'];

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    /** Minutes with bots; may be a fraction. */
    minutes: { type: 'string', default: '20' },
    bots: { type: 'string', default: '25' },
    /** The server's settings: organisms planted at the first start (`--garden`), and the world's size. */
    organisms: { type: 'string' },
    size: { type: 'string' },
    'random-seed': { type: 'string', default: '1' },
  },
});

function number(
  name: 'minutes' | 'bots' | 'random-seed',
  least: number,
  most: number,
  isWhole = true,
): number {
  const value = Number(values[name]);
  if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
  const kind = isWhole ? 'a whole number' : 'a number';
  console.error(`--${name} must be ${kind} from ${least} to ${most}, not "${values[name]}"`);
  process.exit(1);
}

const playedMs = number('minutes', 0.1, 24 * 60, false) * 60_000;
const botCount = number('bots', 1, MAX_BOTS);
const randomSeed = number('random-seed', 0, 0xffff_ffff);
const quietMs = Math.min(MAX_QUIET_MS, playedMs);
const flags = [
  ...(values.organisms === undefined ? [] : ['--garden', values.organisms]),
  ...(values.size === undefined ? [] : ['--size', values.size]),
];

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    // A second signal ends this process without waiting for the server.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(new Error(`stopped by ${signal}`));
  });

const tell = (text: string): void => console.error(`soak: ${text}`);

async function soak(server: BenchServer, stop: AbortSignal): Promise<Report> {
  const mature = await matureSizes(join(import.meta.dirname, '../../weights'));
  await server.start(stop);
  await grown(server, stop);
  const { width, height, species } = await server.live();
  const ledger = new Ledger();
  const sizes = new SizeWatch(mature);
  const over = new AbortController();
  const around: Surroundings = {
    url: server.url,
    world: { width, height },
    species,
    bodies: () => sampler.bodies,
    ledger,
    signal: AbortSignal.any([over.signal, stop]),
  };
  const observer = new Observer(around);
  const frames = (): number | null => (sampler.phase === 'played' ? observer.frames : null);
  const sampler = new Sampler({ server, sizes, ledger, ticksPerSecond: ticksPerSecond(), frames });
  const sampling = new AbortController();
  const sampled = sampler.run(AbortSignal.any([sampling.signal, stop]));
  // `watch` notices the end too, perhaps later.
  sampled.catch(() => {});
  /** Waits; ends early when the sampler finds that the server has ended. */
  const watch = (ms: number): Promise<unknown> =>
    Promise.race([sleep(ms, undefined, { signal: stop }), sampled]);

  let loadPercent = 0;
  let leftSeconds = Number.POSITIVE_INFINITY;
  try {
    tell(`untouched for ${quietMs / 1_000} s`);
    await watch(quietMs);
    tell(`${botCount} bots for ${playedMs / 60_000} min`);
    sampler.phase = 'played';
    const before = process.cpuUsage();
    await play(around, observer, over, watch);
    const { user, system } = process.cpuUsage(before);
    loadPercent = (user + system) / 10 / playedMs;
    tell(`alone again for ${quietMs / 1_000} s`);
    leftSeconds = sampler.nowSeconds;
    sampler.phase = 'after';
    await watch(quietMs);
  } catch (error) {
    // The figures until then are still reported.
    if (stop.aborted || server.isRunning || sampler.samples.length === 0) throw error;
    ledger.errors.add((error as Error).message);
    process.exitCode = 1;
  } finally {
    sampling.abort();
    await sampled.catch(() => {});
  }
  if (observer.gaps > 0) ledger.errors.add(`observer: ${observer.gaps} deltas without a base`);
  const wilted = server.isRunning ? (await server.live()).wilted : null;
  return reportOf({
    settings: {
      minutes: playedMs / 60_000,
      bots: botCount,
      randomSeed,
      world: `${width}x${height}`,
      quietSeconds: quietMs / 1_000,
    },
    samples: sampler.samples,
    mature,
    sizes: sizes.summary,
    wilted,
    ledger,
    notices: observer.notices.counts,
    leftSeconds,
    loadPercent,
    said: server.said,
    wiltedByCause: server.countSaid(WILTS),
  });
}

/** Runs all bots for the time with bots. Resolves when the last has left. */
async function play(
  around: Surroundings,
  observer: Observer,
  over: AbortController,
  watch: (ms: number) => Promise<unknown>,
): Promise<void> {
  const players = Promise.all([
    observer.run(),
    ...Array.from({ length: botCount }, (_, i) => {
      const draw = seededRandom(randomSeed * 1_000 + i);
      return new Bot(i + 1, around, draw).run(draw() * Math.min(MAX_ARRIVAL_MS, ARRIVAL_SHARE * playedMs));
    }),
  ]);
  try {
    // A bot that fails is a bug of the benchmark, and ends it.
    await Promise.race([watch(playedMs), players]);
  } finally {
    over.abort();
    await players;
  }
}

async function grown(server: BenchServer, stop: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + MAX_GROWING_MS;
  for (;;) {
    const { step } = await server.health();
    if (step >= GROWN_STEPS) return;
    if (performance.now() > deadlineMs)
      throw new Error(
        `the garden is at step ${step} after ${MAX_GROWING_MS / 1_000} s, not at ${GROWN_STEPS}`,
      );
    await sleep(500, undefined, { signal: stop });
  }
}

await readPageCodec();
const server = new BenchServer({ flags: [...MANY, ...flags] });
try {
  const report = await soak(server, interrupted.signal);
  if (values.json) console.log(JSON.stringify(report, undefined, 2));
  else printTable(report);
} catch (error) {
  const { aborted, reason } = interrupted.signal;
  console.error(aborted ? `soak: ${(reason as Error).message}` : (error as Error).stack);
  process.exitCode = aborted ? 130 : 1;
} finally {
  await server.stop();
}
process.exit();
