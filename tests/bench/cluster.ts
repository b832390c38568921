/**
 * `npm run bench -- cluster [--viewers n] [--relays n] [--many n] [--seconds n] [--json]`: a real server whose relays serve
 * viewers on plain `ws` that wander about while some hurt bodies. After each turn they hide, and a plain `ws` server sends
 * the messages of that turn again, in the same sizes at the same times to as many clients: `relayRatio` is the relays'
 * processor time to that of `ws`. Turns alternate, so that both have the same share of a busy machine.
 *
 * `worldOfMany`: the processor time of the world's process with `--many` relays, to that with one, each with the same
 * few viewers in all. Where there is a NATS server, the same with relays that are reached through it: `natsWorldOfMany`,
 * and the broker's own, `brokerCpuSeconds` with one relay, and `brokerOfMany`. Linux only.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ClientMessageType } from '../../shared/protocol.ts';
import { Broker, noBroker } from '../links/broker.ts';
import { type RunningServer, startServer } from '../serverProcess.ts';
import { type LoadCalls, type LoadResult, type RawCalls, Remote, type Server } from './fanout/messages.ts';
import { LoadClient } from './load/client.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    viewers: { type: 'string', default: '1000' },
    relays: { type: 'string', default: '2' },
    /** 0: the world's cost with many relays is not measured. */
    many: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '6' },
    turns: { type: 'string', default: '3' },
  },
});
const viewers = Number(values.viewers);
const turnMs = Number(values.seconds) * 1_000;
/** Strokes per second of all viewers together. */
const STROKES = 20;
/** Some viewers count as slow for some seconds after all have joined at once. */
const WARM_MS = 12_000;
/** Hidden viewers that show their pages again have all of them after this. */
const SETTLE_MS = 3_000;
/** At least one per relay of `--many`, and the same with one relay. */
const FEW_VIEWERS = 48;
const START_MS = 180_000;
/** Of Linux: units of the times in `/proc/PID/stat`. */
const TICKS_PER_SECOND = 100;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Processor seconds of a process since its start, and its memory that nobody shares. */
function costOf(pid: number): { readonly cpuSeconds: number; readonly ownMiB: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    ownMiB: Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1]) / 1024,
  };
}

const relaysOf = ({ pid }: RunningServer): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number)
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('relay.ts'));

const start = (relays: number, players: number): Promise<RunningServer> =>
  startServer(
    [
      ...['--relays', String(relays), '--tuner', 'off', '--max-players', String(players)],
      ...['--per-address', '100000', '--guests-per-address', '100000', '--log', 'text'],
    ],
    undefined,
    START_MS,
  );

const addressOf = ({ url }: RunningServer): Server => ({
  url: `${url}/`,
  world: { width: 1_024, height: 1_024 },
  organisms: 0,
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Processor seconds of a world's process in one turn with a few viewers. */
async function worldWith(relays: number): Promise<number> {
  const server = await start(relays, FEW_VIEWERS);
  const load = new Remote<LoadCalls>('./load.ts');
  try {
    await load.ask('join', { server: addressOf(server), viewers: FEW_VIEWERS, strokesPerSecond: STROKES });
    await pause(WARM_MS);
    const before = costOf(server.pid).cpuSeconds;
    await pause(turnMs);
    return costOf(server.pid).cpuSeconds - before;
  } finally {
    await load.stop();
    await server.stop();
  }
}

interface OverBroker {
  /** Processor seconds in one turn. */
  readonly world: number;
  readonly broker: number;
}

/** A world, a broker and relays, each a process of its own, with a few viewers in all. */
async function overBroker(relays: number): Promise<OverBroker> {
  const broker = await Broker.start();
  const processes: RunningServer[] = [];
  const clients: LoadClient[] = [];
  let strokes: NodeJS.Timeout | undefined;
  const open = ['--per-address', '100000', '--guests-per-address', '100000', '--tuner', 'off'];
  const begin = async (role: readonly string[]): Promise<RunningServer> => {
    const flags = [...role, '--nats', broker.url, ...open];
    const running = await startServer(flags, undefined, START_MS);
    processes.push(running);
    return running;
  };
  try {
    const world = await begin(['--role', 'world', '--world', 'bench']);
    // One after another: so many at once would all be late.
    const urls: string[] = [];
    for (let i = 0; i < relays; i++) urls.push((await begin(['--role', 'relay', '--relay-of', 'bench'])).url);
    const size = { width: 1_024, height: 1_024 };
    const middle = { x: size.width / 2, y: size.height / 2 };
    for (let i = 0; i < FEW_VIEWERS; i++) {
      const client = new LoadClient(i, size, false, middle, () => {});
      clients.push(client);
      await client.join(`${urls[i % urls.length]}/`);
    }
    let next = 0;
    strokes = setInterval(() => {
      const points = [middle.x + 20 * ((next % 9) - 4), middle.y];
      const stroke = { id: 1, tool: 'noise', radius: 6, points } as const;
      clients[next++ % clients.length].send(ClientMessageType.stroke, stroke);
    }, 1_000 / STROKES);
    await pause(WARM_MS);
    const [before, brokerBefore] = [costOf(world.pid).cpuSeconds, costOf(broker.pid).cpuSeconds];
    await pause(turnMs);
    return {
      world: costOf(world.pid).cpuSeconds - before,
      broker: costOf(broker.pid).cpuSeconds - brokerBefore,
    };
  } finally {
    clearInterval(strokes);
    for (const client of clients) client.drop();
    await Promise.all(processes.map((running) => running.stop()));
    await broker.stop();
  }
}

const server = await start(Number(values.relays), viewers);
const load = new Remote<LoadCalls>('./load.ts');
const raw = new Remote<RawCalls>('./raw.ts');
const results: LoadResult[] = [];
let figures: Record<string, number>;
try {
  await load.ask('join', { server: addressOf(server), viewers, strokesPerSecond: STROKES });
  await pause(WARM_MS);
  const pids = relaysOf(server);
  const cpu = (): { world: number; relays: number } => ({
    world: costOf(server.pid).cpuSeconds,
    relays: sum(pids.map((pid) => costOf(pid).cpuSeconds)),
  });
  await load.ask('plain', { url: (await raw.ask('start', null)).url, viewers });
  const costs = { world: 0, relays: 0, ws: 0 };
  for (let turn = 0; turn < Number(values.turns); turn++) {
    if (turn > 0) await pause(SETTLE_MS);
    const before = cpu();
    await load.ask('measure', { ms: turnMs, stalledShare: 0, keep: true });
    const after = cpu();
    costs.world += after.world - before.world;
    costs.relays += after.relays - before.relays;
    const firstMs = await load.ask('firsts', null);
    results.push(...(await load.ask('results', firstMs)).slice(-1));
    await load.ask('hide', true);
    costs.ws += (await raw.ask('play', await load.ask('schedule', firstMs))).cpuSeconds;
    await load.ask('hide', false);
  }
  const relayMiB = sum(pids.map((pid) => costOf(pid).ownMiB)) / pids.length;
  await load.ask('leave', null);
  await server.stop();
  const seconds = (turnMs / 1_000) * results.length;
  const mean = (of: (result: LoadResult) => number): number => sum(results.map(of)) / results.length;
  figures = {
    viewers,
    relays: pids.length,
    seconds,
    viewerHz: mean((result) => result.framesPerViewerSecond),
    bytesPerViewerSecond: mean((result) => result.bytesPerViewerSecond),
    /** After the first viewer of the same frame. */
    p50Ms: mean(({ latency }) => latency.p50Ms),
    p99Ms: mean(({ latency }) => latency.p99Ms),
    gaps: sum(results.map(({ gaps }) => gaps)),
    relayCpuSeconds: costs.relays,
    relayPercentPerViewer: (100 * costs.relays) / seconds / viewers,
    worldCpuSeconds: costs.world,
    rawWsCpuSeconds: costs.ws,
    relayRatio: costs.relays / costs.ws,
    relayOwnMiB: relayMiB,
  };
} finally {
  await Promise.all([server.stop(), load.stop(), raw.stop()]);
}
const many = Number(values.many);
if (many > 0) {
  const worldOfOne = await worldWith(1);
  const worldOfMany = await worldWith(many);
  Object.assign(figures, { many, worldOfOne, worldOfMany: worldOfMany / worldOfOne });
}
if (many > 0 && noBroker === null) {
  const one = await overBroker(1);
  const all = await overBroker(many);
  Object.assign(figures, {
    natsWorldOfOne: one.world,
    natsWorldOfMany: all.world / one.world,
    brokerCpuSeconds: one.broker,
    brokerOfMany: all.broker / one.broker,
  });
}
if (values.json) console.log(JSON.stringify(figures, undefined, 2));
else
  for (const [name, value] of Object.entries(figures))
    console.log(`${name.padEnd(26)} ${value.toLocaleString('en', { maximumSignificantDigits: 4 })}`);
