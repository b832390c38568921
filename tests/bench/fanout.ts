/**
 * `npm run bench -- fanout [--viewers n] [--strokes n] [--seconds n] [--json]`: a real server with a grown world, and a
 * process of viewers on plain `ws` that wander about while some of them hurt bodies. Turns without and with 5 % stalled
 * viewers alternate. After each turn without, the viewers hide, and a plain `ws` server sends the messages of that turn
 * again, in the same sizes at the same times to the same number of clients: so both have the same share of a busy machine.
 *
 * `mainThreadRatio`: the processor time of the thread that serves viewers, to that of `ws`; `cpuRatio`: of the whole server
 * process, with stepping and encoding.
 */
import { parseArgs } from 'node:util';
import { meanOf, medianOf } from '../../server/evaluation/statistics.ts';
import {
  type LoadCalls,
  type LoadResult,
  type RawCalls,
  Remote,
  type ServerCalls,
} from './fanout/messages.ts';
import { type FrameTally, tallyBetween } from './fanout/tally.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    viewers: { type: 'string', default: '1000' },
    /** Strokes per second of all viewers together. */
    strokes: { type: 'string', default: '20' },
    /** Length of each turn; the server closes a stalled viewer after 10 s. */
    seconds: { type: 'string', default: '6' },
    turns: { type: 'string', default: '2' },
  },
});
const viewers = Number(values.viewers);
const turnMs = Math.min(8, Number(values.seconds)) * 1_000;
const STALLED_SHARE = 0.05;
/** Waits after a thousand joins at once, because some viewers count as slow for some seconds after them. */
const WARM_MS = 12_000;
const SETTLE_MS = 3_000;
const QUIET_MS = 4_000;
const NEWCOMERS = 20;
const MIB = 1024 * 1024;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const server = new Remote<ServerCalls>('./server.ts');
const load = new Remote<LoadCalls>('./load.ts');
const raw = new Remote<RawCalls>('./raw.ts');
try {
  const started = await server.ask('start', {
    perAddress: 100_000,
    guestsPerAddress: 100_000,
    maxPlayers: viewers + NEWCOMERS,
  });
  const empty = await server.ask('costs', null);
  const quiet = await load.ask('quiet', { server: started, ms: QUIET_MS });
  await load.ask('join', { server: started, viewers, strokesPerSecond: Number(values.strokes) });
  await pause(WARM_MS);

  await load.ask('plain', { url: (await raw.ask('start', null)).url, viewers });
  const spent = { server: 0, mainThread: 0, ws: 0 };
  const tallies: FrameTally[] = [];
  let sent = 0;
  for (let turn = 0; turn < 2 * Number(values.turns); turn++) {
    if (turn > 0) await pause(SETTLE_MS);
    const isCalm = turn % 2 === 0;
    const before = await server.ask('costs', null);
    tallies.push(await measure(isCalm ? 0 : STALLED_SHARE, isCalm));
    if (!isCalm) continue;
    const after = await server.ask('costs', null);
    spent.server += after.cpuSeconds - before.cpuSeconds;
    spent.mainThread += after.mainThreadSeconds - before.mainThreadSeconds;
    const schedule = await load.ask('schedule', await server.ask('frames', null));
    await load.ask('hide', true);
    spent.ws += (await raw.ask('play', schedule)).cpuSeconds;
    sent += schedule.atMs.length;
    await pause(500);
    const { messages } = await load.ask('received', null);
    if (messages !== sent) throw new Error(`plain ws delivered ${messages} of ${sent} messages`);
    await load.ask('hide', false);
  }
  await pause(SETTLE_MS);
  const firstViewports = await load.ask('newcomers', NEWCOMERS);
  const full = await server.ask('costs', null);

  const closedMs = await server.ask('frames', null);
  const results = await load.ask('results', closedMs);
  const hz = frameRate(closedMs);
  await load.ask('leave', null);
  await server.stop();

  const calm = results.filter((_, turn) => turn % 2 === 0);
  const disturbed = results.filter((_, turn) => turn % 2 === 1);
  const p99 = (of: readonly LoadResult[]): number => medianOf(of.map(({ latency }) => latency.p99Ms));
  report({
    viewers,
    hz,
    viewerHz: meanOf(calm.map((result) => result.framesPerViewerSecond)),
    ...frameShares(tallies.filter((_, turn) => turn % 2 === 0)),
    p50Ms: meanOf(calm.map(({ latency }) => latency.p50Ms)),
    p99Ms: p99(calm),
    p99StalledMs: p99(disturbed),
    stalledPenaltyMs: p99(disturbed) - p99(calm),
    p99EachTurnMs: results.map(({ latency }) => Math.round(latency.p99Ms)),
    bytesPerViewerSecond: meanOf(calm.map((result) => result.bytesPerViewerSecond)),
    seconds: (turnMs / 1_000) * calm.length,
    serverCpuSeconds: spent.server,
    serverMainThreadSeconds: spent.mainThread,
    rawWsCpuSeconds: spent.ws,
    cpuRatio: spent.server / spent.ws,
    mainThreadRatio: spent.mainThread / spent.ws,
    rssMiBPerViewer: (full.rssBytes - empty.rssBytes) / MIB / viewers,
    firstViewportMs: medianOf(firstViewports),
    firstViewportWorstMs: Math.max(...firstViewports),
    inputToPixelP50Ms: meanOf(calm.map(({ inputToPixel }) => inputToPixel.p50Ms)),
    inputToPixelP99Ms: Math.max(...calm.map(({ inputToPixel }) => inputToPixel.p99Ms)),
    inputs: calm.reduce((sum, { inputs }) => sum + inputs, 0),
    gaps: results.reduce((sum, { gaps }) => sum + gaps, 0),
    organisms: started.organisms,
    quietViewBytesPerSecond: quiet,
  });
} finally {
  await Promise.all([server.stop(), load.stop(), raw.stop()]);
}

/** Frames per second, from the first to the last frame with an update. */
function frameRate(closedMs: Float64Array): number {
  const first = closedMs.findIndex((at) => !Number.isNaN(at));
  return ((closedMs.length - 1 - first) * 1_000) / (closedMs[closedMs.length - 1] - closedMs[first]);
}

/** Runs one turn. @returns the tally of every viewer's frames in it */
async function measure(stalledShare: number, keep: boolean): Promise<FrameTally> {
  const before = await server.ask('tally', null);
  await load.ask('measure', { ms: turnMs, stalledShare, keep });
  return tallyBetween(before, await server.ask('tally', null));
}

/**
 * The share of frames with a change in a viewer's view that the viewer was sent. A viewer whose view stands still is
 * sent nothing, so `viewerHz` alone does not show whether frames were lost.
 */
function frameShares(tallies: readonly FrameTally[]): Record<string, number> {
  const sum = (of: keyof FrameTally): number => tallies.reduce((total, tally) => total + tally[of], 0);
  const changed = sum('changed');
  const frames = changed + sum('still');
  return {
    viewFramesChanged: changed / frames,
    viewFramesChangedAndSent: sum('changedSent') / changed,
    viewFramesWithoutRoom: sum('changedNoRoom') / changed,
    viewFramesOwed: sum('changedOwed') / changed,
    viewFramesStill: sum('still') / frames,
  };
}

function report(figures: Record<string, number | readonly number[]>): void {
  if (values.json) {
    console.log(JSON.stringify(figures, undefined, 2));
    return;
  }
  for (const [name, value] of Object.entries(figures))
    console.log(`${name.padEnd(26)} ${value.toLocaleString('en', { maximumSignificantDigits: 4 })}`);
}
