/** All viewers in one process: they wander, some stroke, some stall, and the arrival of their frames is timed. */
import { WebSocket } from 'ws';
import { readPageCodec } from '../../../server/stream/codec.ts';
import { ClientMessageType } from '../../../shared/protocol.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { LoadClient, VIEW } from '../load/client.ts';
import { answer, type Latencies, type LoadCalls, type LoadResult, nowMs, type Schedule } from './messages.ts';

/** Clients that decode. */
const DECODERS = 40;
/** How many of those also stroke. */
const STROKERS = 20;
const JOINS_AT_ONCE = 16;
const MAX_TRIES = 5;
const JOIN_AGAIN_MS = 500;
const WANDER_MS = 200;
/** Cells that a viewer moves between two viewports: 60 per second, a slow pan. */
const WANDER_CELLS = 12;
const STROKE_RADIUS = 6;
/** Stats, players and frames together stay below this. */
const MAX_MESSAGES_PER_SECOND = 60;
/** A stroke that is not seen within this counts as having taken this long. */
const LOST_INPUT_MS = 2_000;
/** After this every page has arrived, and pages that stood still are refined. */
const QUIET_SETTLE_MS = 3_000;

interface Measure {
  readonly ms: number;
  readonly clients: readonly LoadClient[];
  readonly keep: boolean;
  /** [n]: the messages that arrived, in order. */
  readonly atMs: Float64Array;
  readonly frame: Float64Array;
  readonly client: Uint16Array;
  readonly bytes: Uint32Array;
  heard: number;
  readonly inputs: number[];
  gaps: number;
}

await readPageCodec();
const draw = seededRandom(5);
const clients: LoadClient[] = [];
const timers: NodeJS.Timeout[] = [];
const measures: Measure[] = [];
let measure: Measure | null = null;
const stalled = new Set<LoadClient>();
let url = '';
let world = { width: 0, height: 0 };
let organisms: { x: number; y: number }[] = [];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** The part of the world with bodies. */
const somewhere = () => {
  const { x, y } = organisms[Math.floor(draw() * organisms.length)];
  return { x: x + (draw() - 0.5) * VIEW.width, y: y + (draw() - 0.5) * VIEW.height };
};

function heard(client: LoadClient, bytes: number, frame: number): void {
  settle(client);
  if (measure === null || stalled.has(client)) return;
  const i = measure.heard++;
  measure.atMs[i] = nowMs();
  measure.frame[i] = frame;
  measure.client[i] = client.index;
  measure.bytes[i] = bytes;
}

// --- strokes ---

interface Input {
  readonly sentMs: number;
  readonly x: number;
  readonly y: number;
}
const inputs = new Map<LoadClient, Input>();
let strokes = 0;

/** Cuts a hole into a body in view, and waits until it is seen. */
function stroke(client: LoadClient): void {
  const before = inputs.get(client);
  if (before !== undefined) {
    if (nowMs() - before.sentMs < LOST_INPUT_MS) return;
    measure?.inputs.push(LOST_INPUT_MS);
    inputs.delete(client);
  }
  const near = organisms.filter(
    (o) => Math.abs(o.x - client.x) < VIEW.width / 2 && Math.abs(o.y - client.y) < VIEW.height / 2,
  );
  if (near.length === 0) {
    client.lookAt(somewhere());
    return;
  }
  const target = near[Math.floor(draw() * near.length)];
  const x = target.x + Math.floor(draw() * 15) - 7;
  const y = target.y + Math.floor(draw() * 15) - 7;
  if (client.alphaAt(x, y) < 200) return;
  inputs.set(client, { sentMs: nowMs(), x, y });
  const message = { id: ++strokes, tool: 'ablate', radius: STROKE_RADIUS, points: [x, y] };
  client.send(ClientMessageType.stroke, message);
}

function settle(client: LoadClient): void {
  const input = inputs.get(client);
  if (input === undefined || client.alphaAt(input.x, input.y) > 0) return;
  inputs.delete(client);
  measure?.inputs.push(nowMs() - input.sentMs);
}

// --- figures ---

function quantiles(values: Float64Array): Latencies {
  values.sort();
  const at = (q: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

function resultOf(of: Measure, closedMs: Float64Array): LoadResult {
  const latencies: number[] = [];
  let bytes = 0;
  for (let i = 0; i < of.heard; i++) {
    bytes += of.bytes[i];
    if (of.frame[i] > 0) latencies.push(of.atMs[i] - closedMs[of.frame[i]]);
  }
  const viewerSeconds = (of.clients.length * of.ms) / 1_000;
  return {
    seconds: of.ms / 1_000,
    latency: quantiles(Float64Array.from(latencies)),
    framesPerViewerSecond: latencies.length / viewerSeconds,
    bytesPerViewerSecond: bytes / viewerSeconds,
    inputToPixel: quantiles(Float64Array.from(of.inputs)),
    inputs: of.inputs.length,
    gaps: of.gaps,
  };
}

/** Tries again, as the client does, when a seat or a request timed out on a starved machine. */
async function join(client: LoadClient): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await client.join(url);
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
      await pause(JOIN_AGAIN_MS);
    }
  }
}

const gapsOf = (of: readonly LoadClient[]): number => of.reduce((sum, { gaps }) => sum + gaps, 0);

const plain = { messages: 0, bytes: 0 };

await readPageCodec();
answer<LoadCalls>({
  async quiet({ server, ms }) {
    ({ url, world } = server);
    let bytes = 0;
    const middle = { x: world.width / 2, y: world.height / 2 };
    const client = new LoadClient(0, world, true, middle, (_, length) => {
      bytes += length;
    });
    client.view = { width: 1_920, height: 1_080 };
    await client.join(url);
    await pause(QUIET_SETTLE_MS);
    bytes = 0;
    await pause(ms);
    client.drop();
    return (bytes * 1_000) / ms;
  },

  async join({ server, viewers, strokesPerSecond }) {
    ({ url, world } = server);
    organisms = (await (await fetch(`${url}api/organisms`)).json()) as typeof organisms;
    for (let first = 0; first < viewers; first += JOINS_AT_ONCE) {
      const batch = Array.from(
        { length: Math.min(JOINS_AT_ONCE, viewers - first) },
        (_, i) => new LoadClient(first + i, world, first + i < DECODERS, somewhere(), heard),
      );
      clients.push(...batch);
      await Promise.all(batch.map(join));
    }
    // Each viewer moves in every other period of two seconds, at its own time.
    for (const client of clients) {
      const phase = draw();
      timers.push(
        setInterval(() => {
          if ((nowMs() / 4_000 + phase) % 1 < 0.5 && !stalled.has(client)) client.wander(draw, WANDER_CELLS);
        }, WANDER_MS),
      );
    }
    let turn = 0;
    timers.push(setInterval(() => stroke(clients[turn++ % STROKERS]), 1_000 / strokesPerSecond));
    return null;
  },

  async measure({ ms, stalledShare, keep }) {
    for (const client of clients) if (client.index >= DECODERS && draw() < stalledShare) stalled.add(client);
    for (const client of stalled) client.stall();
    const capacity = Math.ceil((clients.length * ms * MAX_MESSAGES_PER_SECOND) / 1_000);
    const reading = clients.filter((client) => !stalled.has(client));
    const gaps = gapsOf(reading);
    measure = {
      ms,
      clients: reading,
      keep,
      atMs: new Float64Array(capacity),
      frame: new Float64Array(capacity),
      client: new Uint16Array(capacity),
      bytes: new Uint32Array(capacity),
      heard: 0,
      inputs: [],
      gaps: 0,
    };
    await pause(ms);
    measure.gaps = gapsOf(reading) - gaps;
    measures.push(measure);
    measure = null;
    for (const client of stalled) client.resume();
    stalled.clear();
    return null;
  },

  async newcomers(count) {
    const times: number[] = [];
    for (let n = 0; n < count; n++) {
      const began = nowMs();
      const complete = new Promise<number>((resolve) => {
        const client = new LoadClient(0, world, true, somewhere(), () => {
          if (client.eye!.pages.size < client.pagesInView) return;
          client.drop();
          resolve(nowMs() - began);
        });
        void join(client);
      });
      times.push(await complete);
      await pause(50);
    }
    return times;
  },

  hide(isHidden) {
    for (const client of clients) client.send(ClientMessageType.presence, { isHidden });
    return null;
  },

  firsts(): Float64Array {
    const of = measures.findLast(({ keep }) => keep)!;
    const first: number[] = [];
    for (let i = 0; i < of.heard; i++) first[of.frame[i]] ??= of.atMs[i];
    return Float64Array.from({ length: first.length }, (_, frame) => first[frame] ?? Number.NaN);
  },

  results: (closedMs) => measures.map((of) => resultOf(of, closedMs)),

  schedule(closedMs): Schedule {
    const of = measures.findLast(({ keep }) => keep)!;
    // A frame is sent when it was closed; other messages in the middle of a frame's time, all at once.
    const sentMs = Float64Array.from({ length: of.heard }, (_, i) =>
      of.frame[i] > 0 ? closedMs[of.frame[i]] : Math.floor(of.atMs[i] / 50) * 50,
    );
    const order = Uint32Array.from(sentMs.keys()).sort((a, b) => sentMs[a] - sentMs[b]);
    return {
      atMs: Float64Array.from(order, (i) => sentMs[i]),
      client: Uint16Array.from(order, (i) => of.client[i]),
      bytes: Uint32Array.from(order, (i) => of.bytes[i]),
    };
  },

  leave() {
    for (const timer of timers) clearInterval(timer);
    for (const client of clients) client.drop();
    return null;
  },

  async plain({ url: at, viewers }) {
    for (let n = 0; n < viewers; n++) {
      const socket = new WebSocket(at, { perMessageDeflate: false });
      await new Promise((resolve) => socket.once('open', resolve));
      socket.on('message', (bytes: Buffer) => {
        plain.messages++;
        plain.bytes += bytes.length;
      });
    }
    return null;
  },
  received: () => plain,
});
