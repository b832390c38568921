/**
 * A real server with a world of thousands of sleeping bodies, of which a few are hurt once per second: whether steps
 * keep their speed, what a frame costs, what a sleeping body weighs, and how soon one is awake.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { medianOf } from '../../../server/evaluation/statistics.ts';
import { decodeCensus, isAsleep } from '../../../shared/census.ts';
import type { Point } from '../../../shared/geometry.ts';
import { ClientMessageType } from '../../../shared/protocol.ts';
import { LoadClient } from '../load/client.ts';
import { BenchServer } from '../load/server.ts';
import { ticksPerSecond, useOf, waitedSeconds } from '../soak/proc.ts';
import { type Crowd, makeCrowd } from './crowd.ts';

const FRAMES_PER_SECOND = 20;
/** Thousands of bodies come from disk. */
const MAX_START_MS = 400_000;
/** Until those who are hurt have come to a steady number. */
const SETTLE_MS = 5_000;
const RADIUS_CELLS = 6;
const MAX_WAKE_MS = 10_000;
const BETWEEN_WAKES_MS = 250;
/** The world that the weight of a body is measured against. */
const FEW = 8;

export interface CrowdFigures {
  readonly bodies: number;
  readonly cellsPerBody: number;
  /** Processor seconds of the whole start, and seconds on the clock. */
  readonly startProcessorSeconds: number;
  readonly startSeconds: number;
  readonly rssMiB: number;
  /** Beyond that of a server with 8 bodies, per body. */
  readonly rssKiBPerBody: number;
  /** Share of a core while everyone sleeps and nobody watches. */
  readonly quietCoreShare: number;
  readonly hurt: {
    readonly bodies: number;
    readonly awake: number;
    readonly asleep: number;
    readonly stepsPerSecond: number;
    readonly coreShare: number;
    readonly processorMsPerFrame: number;
    /** Of one core's time, for which the server's threads were ready and got no core. */
    readonly waitedShare: number;
    readonly rssMiB: number;
  };
  /** From a stroke's being sent to the first frame that shows it, to a viewer who looks at the body. */
  readonly wakeMs: { readonly count: number; readonly median: number; readonly worst: number };
}

const tick = ticksPerSecond();

/** @param hurt - bodies that are hurt once per second; @param seconds - of each measurement */
export async function measureCrowd(count: number, hurt: number, seconds: number): Promise<CrowdFigures> {
  const few = await within(FEW, async (server) => useOf(server.pid)!.rssMiB);
  return within(count, async (server, crowd, startSeconds) => {
    const start = useOf(server.pid)!;
    await sleep(SETTLE_MS);
    const quiet = await use(server, seconds);
    const rssMiB = useOf(server.pid)!.rssMiB;
    const clients = await join20(server, crowd, hurt);
    const wakes = await wakesOf(clients[0], crowd, hurt);
    let strokes = 0;
    const hurting = setInterval(() => {
      for (const client of clients) strike(client, { x: client.x, y: client.y }, ++strokes);
    }, 1_000);
    await sleep(SETTLE_MS);
    const busy = await use(server, seconds);
    const { awake, asleep } = await sleepersOf(server);
    const rss = useOf(server.pid)!.rssMiB;
    clearInterval(hurting);
    for (const client of clients) await client.leave();
    return {
      bodies: count,
      cellsPerBody: Math.round(crowd.cells / count),
      startProcessorSeconds: start.ticks / tick,
      startSeconds,
      rssMiB,
      rssKiBPerBody: ((rssMiB - few) * 1_024) / count,
      quietCoreShare: quiet.coreShare,
      hurt: {
        bodies: hurt,
        awake,
        asleep,
        ...busy,
        processorMsPerFrame: (busy.coreShare * 1_000) / FRAMES_PER_SECOND,
        rssMiB: rss,
      },
      wakeMs: { count: wakes.length, median: medianOf(wakes), worst: Math.max(...wakes) },
    };
  });
}

/** Does it with a server in whose world so many bodies sleep. */
async function within<T>(
  count: number,
  work: (server: BenchServer, crowd: Crowd, startSeconds: number) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'regrow-crowd-'));
  try {
    const crowd = await makeCrowd(folder, count);
    const flags = ['--size', `${crowd.side}x${crowd.side}`];
    const server = new BenchServer({ flags, from: folder, maxStartMs: MAX_START_MS });
    const startMs = performance.now();
    try {
      await server.start(new AbortController().signal);
      return await work(server, crowd, (performance.now() - startMs) / 1_000);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function use(
  server: BenchServer,
  seconds: number,
): Promise<Pick<CrowdFigures['hurt'], 'stepsPerSecond' | 'coreShare' | 'waitedShare'>> {
  const before = useOf(server.pid)!;
  const waited = waitedSeconds(server.pid)!;
  const { step } = await server.health();
  const startMs = performance.now();
  await sleep(seconds * 1_000);
  const elapsed = (performance.now() - startMs) / 1_000;
  return {
    stepsPerSecond: ((await server.health()).step - step) / elapsed,
    coreShare: (useOf(server.pid)!.ticks - before.ticks) / tick / elapsed,
    waitedShare: (waitedSeconds(server.pid)! - waited) / elapsed,
  };
}

/** Viewers, each of whom looks at one of the bodies that will be hurt. */
async function join20({ url }: BenchServer, { side, seeds }: Crowd, hurt: number): Promise<LoadClient[]> {
  const clients = Array.from({ length: hurt }, (_, i) => {
    const at = seeds[Math.floor(((i + 0.5) * seeds.length) / hurt)];
    return new LoadClient(i, { width: side, height: side }, false, at, () => {});
  });
  for (const [i, client] of clients.entries()) {
    client.localAddress = `127.0.1.${1 + i}`;
    await client.join(url);
  }
  return clients;
}

/** Hurts sleepers one after another, while nobody else does anything. @returns milliseconds until each was seen */
async function wakesOf(client: LoadClient, { seeds }: Crowd, count: number): Promise<number[]> {
  const home = { x: client.x, y: client.y };
  const wakes: number[] = [];
  for (let i = 0; i < count; i++) {
    const at = seeds[Math.floor(((i + 0.25) * seeds.length) / count)];
    client.lookAt(at);
    await sleep(2 * BETWEEN_WAKES_MS);
    const sentMs = performance.now();
    const seen = Promise.withResolvers<number>();
    client.onFrame = () => seen.resolve(performance.now() - sentMs);
    strike(client, at, 1_000 + i);
    wakes.push(await Promise.race([seen.promise, sleep(MAX_WAKE_MS, MAX_WAKE_MS)]));
    client.onFrame = () => {};
    await sleep(BETWEEN_WAKES_MS);
  }
  client.lookAt(home);
  return wakes;
}

function strike(client: LoadClient, { x, y }: Point, id: number): void {
  client.send(ClientMessageType.stroke, { id, tool: 'ablate', radius: RADIUS_CELLS, points: [x, y] });
}

export async function sleepersOf({ url }: BenchServer): Promise<{ awake: number; asleep: number }> {
  const response = await fetch(`${url}api/census`);
  if (!response.ok) throw new Error(`api/census: ${response.status} ${await response.text()}`);
  const census = decodeCensus(new Uint8Array(await response.arrayBuffer()));
  let asleep = 0;
  for (let i = 0; i < census.count; i++) if (isAsleep(census, i)) asleep++;
  return { awake: census.count - asleep, asleep };
}
