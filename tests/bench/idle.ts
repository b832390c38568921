/**
 * `npm run bench -- idle [--organisms 48] [--viewers 0,1,100] [--seconds 60] [--bodies 20000] [--hurt 20] [--json]`: what
 * a world costs in which nobody does anything. A real server process with a grown garden; for each number of viewers its
 * share of a core, its memory and what one viewer is sent. Then another one with `--bodies` grown bodies asleep, of which
 * `--hurt` are hurt once per second (`idle/hurting.ts`); 0: not measured. Its data directory is 60 kB per body.
 *
 * The viewers run in this process, which is not measured.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type CrowdFigures, measureCrowd, sleepersOf } from './idle/hurting.ts';
import { LoadClient } from './load/client.ts';
import { BenchServer } from './load/server.ts';
import { ticksPerSecond, useOf, waitedSeconds } from './soak/proc.ts';

const WORLD = { width: 1024, height: 1024 };
/** After this long without anybody awake less than before, the bench gives up. */
const MAX_SETTLING_MS = 300_000;
/** Of each measurement of the crowd. */
const MAX_CROWD_SECONDS = 30;
/** Between the last change and the measurement. */
const QUIET_MS = 5_000;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    organisms: { type: 'string', default: '48' },
    viewers: { type: 'string', default: '0,1,100' },
    seconds: { type: 'string', default: '60' },
    /** `--sleep-seconds` of the server; 0: nobody sleeps, for comparison. */
    'sleep-seconds': { type: 'string', default: '5' },
    bodies: { type: 'string', default: '20000' },
    hurt: { type: 'string', default: '20' },
  },
});
const seconds = Number(values.seconds);
const bodies = Number(values.bodies);
const hurt = Number(values.hurt);
const viewerCounts = values.viewers.split(',').map(Number);
if (!(seconds > 0) || viewerCounts.some((count) => !Number.isInteger(count) || count < 0)) {
  console.error('--seconds must be a positive number, --viewers whole numbers with commas between them');
  process.exit(1);
}

interface Figures {
  readonly viewers: number;
  /** Of one core, all threads of the server. */
  readonly coreShare: number;
  /** Of one core's time, for which its threads were ready and got no core: what else the machine did. */
  readonly waitedShare: number;
  readonly rssMiB: number;
  readonly stepsPerSecond: number;
  /** To each viewer, payloads of messages. */
  readonly bytesPerSecond: number;
}

if (
  ![bodies, hurt].every((n) => Number.isInteger(n) && n >= 0) ||
  (bodies > 0 && (hurt < 1 || hurt > bodies))
) {
  console.error('--bodies must be a whole number, --hurt one from 1 to as many');
  process.exit(1);
}

const tick = ticksPerSecond();
let garden: Omit<Parameters<typeof report>[0], 'crowd'>;
const server = new BenchServer({
  flags: [...['--garden', values.organisms, '--sleep-seconds', values['sleep-seconds']]],
});
const controller = new AbortController();
await server.start(controller.signal);
try {
  const asleepAfterSeconds = await settle();
  const figures: Figures[] = [];
  for (const viewers of viewerCounts) figures.push(await measure(viewers));
  const { awake, asleep } = await sleepersOf(server);
  garden = { organisms: Number(values.organisms), asleepAfterSeconds, awake, asleep, figures };
} finally {
  await server.stop();
}
const crowd = bodies === 0 ? null : await measureCrowd(bodies, hurt, Math.min(seconds, MAX_CROWD_SECONDS));
report({ ...garden, crowd });

/** Waits until everyone sleeps. @returns the seconds that it took; null: somebody is still awake */
async function settle(): Promise<number | null> {
  const startMs = performance.now();
  if (Number(values['sleep-seconds']) === 0) {
    await sleep(60_000);
    return null;
  }
  let least = Number.POSITIVE_INFINITY;
  let changedMs = startMs;
  while (performance.now() - changedMs < MAX_SETTLING_MS) {
    const { awake } = await sleepersOf(server);
    if (awake === 0) {
      await sleep(QUIET_MS);
      return (performance.now() - startMs) / 1_000;
    }
    if (awake < least) {
      least = awake;
      changedMs = performance.now();
    }
    await sleep(1_000);
  }
  return null;
}

async function measure(count: number): Promise<Figures> {
  let bytes = 0;
  const clients = Array.from(
    { length: count },
    (_, i) =>
      new LoadClient(i, WORLD, false, { x: WORLD.width / 2, y: WORLD.height / 2 }, (_client, length) => {
        bytes += length;
      }),
  );
  for (const [i, client] of clients.entries()) {
    // Few guests may come from one address.
    client.localAddress = `127.0.1.${1 + (i % 250)}`;
    await client.join(server.url);
    // A server that ends closes its viewers; the error that ended it is the one to show.
    client.onClose = () => {};
  }
  // What they need at first is not what they need when nothing happens.
  await sleep(QUIET_MS);
  bytes = 0;
  const before = useOf(server.pid)!;
  const waited = waitedSeconds(server.pid)!;
  const { step } = await server.health();
  const startMs = performance.now();
  await sleep(seconds * 1_000);
  const after = useOf(server.pid)!;
  const elapsed = (performance.now() - startMs) / 1_000;
  const figures = {
    viewers: count,
    coreShare: (after.ticks - before.ticks) / tick / elapsed,
    waitedShare: (waitedSeconds(server.pid)! - waited) / elapsed,
    rssMiB: after.rssMiB,
    stepsPerSecond: ((await server.health()).step - step) / elapsed,
    bytesPerSecond: count === 0 ? 0 : bytes / count / elapsed,
  };
  for (const client of clients) await client.leave();
  return figures;
}

function report(all: {
  readonly organisms: number;
  readonly asleepAfterSeconds: number | null;
  readonly awake: number;
  readonly asleep: number;
  readonly figures: readonly Figures[];
  readonly crowd: CrowdFigures | null;
}): void {
  if (values.json) {
    console.log(JSON.stringify(all, null, 2));
    return;
  }
  console.log(`${all.organisms} organisms: ${all.asleep} asleep, ${all.awake} awake`);
  console.table(
    all.figures.map(({ coreShare, waitedShare, rssMiB, stepsPerSecond, bytesPerSecond, viewers }) => ({
      viewers,
      'of a core': coreShare.toFixed(3),
      'waited for one': waitedShare.toFixed(3),
      'RSS, MiB': Math.round(rssMiB),
      'steps/s': stepsPerSecond.toFixed(1),
      'bytes/s to a viewer': Math.round(bytesPerSecond),
    })),
  );
  const { crowd } = all;
  if (crowd === null) return;
  const { hurt, wakeMs } = crowd;
  console.log(
    `${crowd.bodies} bodies of ${crowd.cellsPerBody} cells: ${Math.round(crowd.rssMiB)} MiB, ` +
      `${crowd.rssKiBPerBody.toFixed(1)} KiB per body; start ${crowd.startSeconds.toFixed(1)} s, ` +
      `${crowd.startProcessorSeconds.toFixed(1)} s of processor time; quiet ${crowd.quietCoreShare.toFixed(3)} of a core`,
  );
  console.log(
    `${hurt.bodies} hurt: ${hurt.awake} awake, ${hurt.stepsPerSecond.toFixed(1)} steps/s, ` +
      `${hurt.processorMsPerFrame.toFixed(1)} ms per frame, waited ${hurt.waitedShare.toFixed(3)}, ` +
      `${Math.round(hurt.rssMiB)} MiB; awake after ${wakeMs.median.toFixed(0)} ms, at most ${wakeMs.worst.toFixed(0)}`,
  );
}
