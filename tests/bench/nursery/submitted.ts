/**
 * `npm run bench -- nursery --submitted [--drawings FOLDER] [--only NAMES] [--threads 1] [--json]`: drawings are submitted
 * to a real server, one after another, each when the one before has ended: how long it takes from the submission until
 * the creature may be planted. The drawings are those of `bench -- nursery`.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { medianOf } from '../../../server/evaluation/statistics.ts';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import { packDrawing } from '../../../shared/drawing/packed.ts';
import type { SubmittedMessage } from '../../../shared/drawing/submission.ts';
import type { DrawingsMessage } from '../../../shared/nursery.ts';
import { ClientMessageType, ServerMessageType } from '../../../shared/protocol.ts';
import { LoadClient } from '../load/client.ts';
import { BenchServer } from '../load/server.ts';
import { readPictures } from './pictures.ts';

const WORLD = { width: 1024, height: 1024 };
const LOOK_MS = 200;
/** On 127.0.0.x. */
const FIRST_HOST = 10;
const MAX_MINUTES = 20;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    submitted: { type: 'boolean' },
    drawings: { type: 'string' },
    only: { type: 'string' },
    threads: { type: 'string', default: '1' },
  },
});

const pictures = readPictures(values.drawings, values.only);

const server = new BenchServer({
  flags: ['--nursery', 'open', '--nursery-threads', values.threads, '--tuner', 'off'],
});
const results: { name: string; state: string; minutes: number; load: number }[] = [];

interface Maker {
  readonly client: LoadClient;
  readonly stateOf: (name: string) => string;
}

/** @param index - makers come from addresses of their own, because one address may send few drawings in an hour */
async function makerAt(index: number): Promise<Maker> {
  let drawings: DrawingsMessage['drawings'] = [];
  let refusal: string | null = null;
  const client = new LoadClient(index, WORLD, false, { x: 512, y: 512 }, () => {});
  client.localAddress = `127.0.0.${FIRST_HOST + index}`;
  client.onMessage = (type, payload) => {
    if (type === ServerMessageType.drawings) drawings = (decodeMsgpack(payload) as DrawingsMessage).drawings;
    if (type === ServerMessageType.submitted) refusal = (decodeMsgpack(payload) as SubmittedMessage).reason;
  };
  await client.join(server.url);
  const stateOf = (name: string): string =>
    refusal ?? drawings.find((one) => one.name === name)?.state ?? 'unknown';
  return { client, stateOf };
}

let maker: Maker | undefined;
try {
  await server.start(new AbortController().signal);
  for (const [index, { name, drawing }] of pictures.entries()) {
    maker?.client.drop();
    maker = await makerAt(index);
    const { client, stateOf } = maker;
    const beganMs = performance.now();
    client.send(ClientMessageType.submit, { name, drawing: packDrawing(drawing), isFree: true });
    while (['unknown', 'queued', 'learning'].includes(stateOf(name))) {
      if (performance.now() - beganMs > MAX_MINUTES * 60_000) break;
      await sleep(LOOK_MS);
    }
    const minutes = Number(((performance.now() - beganMs) / 60_000).toFixed(2));
    results.push({ name, state: stateOf(name), minutes, load: Number(loadavg()[0].toFixed(1)) });
    console.error(JSON.stringify(results.at(-1)));
  }
} finally {
  maker?.client.drop();
  await server.stop();
}
const minutes = results.map((one) => one.minutes);
const figures = {
  threads: Number(values.threads),
  ready: results.filter(({ state }) => state === 'ready').length,
  tried: results.length,
  medianMinutes: medianOf(minutes),
  worstMinutes: Math.max(...minutes),
  drawings: results,
};
console.log(values.json ? JSON.stringify(figures, undefined, 2) : figures);
process.exit();
