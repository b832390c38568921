/**
 * `npm run bench -- takeover [--rounds 5] [--organisms n] [--lease-seconds n] [--json]`: an owner and a spare of one world
 * with a real PostgreSQL, both with the default settings where nothing is said. A player plants as fast as the owner
 * acknowledges it; in the middle of that the owner is killed. Measured is how long it is until the spare answers, and until
 * it has acknowledged a stroke; every acknowledged planting must be in its world. Needs PostgreSQL's programs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { medianOf } from '../../server/evaluation/statistics.ts';
import { seededRandom } from '../engines/fixtures.ts';
import { joinWorld, stroke } from '../player.ts';
import { type RunningServer, startServer, until } from '../serverProcess.ts';
import { Cluster, noPostgres } from '../store/cluster.ts';

const START_MS = 120_000;
/** The owner plays for this long before it is killed, and up to as long again. */
const PLAY_MS = 3_000;
const SIDE = 1_024;
const SPECIES = 'eevee';
/** A grown body and its surroundings. */
const ROOM_CELLS = 64;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    organisms: { type: 'string', default: '48' },
    'lease-seconds': { type: 'string' },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
  throw new RangeError(`--rounds must be a whole number from 1 to 100, not "${values.rounds}"`);
if (noPostgres !== null) throw new Error(noPostgres);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const random = seededRandom(1);

interface Body {
  readonly x: number;
  readonly y: number;
}

const bodiesOf = async ({ url }: RunningServer): Promise<Body[]> =>
  (await (await fetch(`${url}/api/organisms`)).json()) as Body[];

/** Places all over the world, in random order. */
function places(): Body[] {
  const all: Body[] = [];
  for (let y = ROOM_CELLS; y < SIDE; y += ROOM_CELLS)
    for (let x = ROOM_CELLS; x < SIDE; x += ROOM_CELLS) all.push({ x, y });
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

interface Round {
  /** From the kill to the spare's first answer. */
  readonly answersMs: number;
  /** From the kill to the first stroke that the spare has acknowledged. */
  readonly playsMs: number;
  readonly acknowledged: number;
  readonly lost: number;
}

async function round(cluster: Cluster, folder: string, name: string): Promise<Round> {
  const machine = (): Promise<RunningServer> =>
    startServer(
      [
        ...['--size', `${SIDE}x${SIDE}`, '--garden', values.organisms, '--tuner', 'off'],
        ...['--store', cluster.url, '--blobs', join(folder, 'blobs'), '--world', name, '--spare', 'yes'],
        ...['--plants-per-guest', '1000', '--plants-per-address', '1000', '--energy-per-address', '1000'],
        ...(values['lease-seconds'] === undefined ? [] : ['--lease-seconds', values['lease-seconds']]),
      ],
      mkdtempSync(join(folder, 'machine-')),
      START_MS,
    );
  const owner = await machine();
  const waiting = machine();
  waiting.catch(() => {});
  let spare: RunningServer | null = null;
  try {
    const room = await joinWorld(owner.url);
    const acknowledged: Body[] = [];
    let isDead = false;
    // Its last stroke is never answered.
    void (async () => {
      for (const { x, y } of places()) {
        if (isDead) return;
        const { ok } = await stroke(room, { tool: 'plant', species: SPECIES, radius: 1, points: [x, y] });
        if (ok) acknowledged.push({ x, y });
      }
    })();
    await pause(PLAY_MS * (1 + random()));
    const killedMs = performance.now();
    isDead = true;
    await owner.kill();
    spare = await waiting;
    const answersMs = performance.now() - killedMs;
    const next = await joinWorld(spare.url);
    await until(
      'an acknowledged stroke',
      async () =>
        (await stroke(next, { tool: 'ablate', radius: 4, points: [SIDE / 2, SIDE / 2] })).ok || undefined,
      START_MS,
    );
    const playsMs = performance.now() - killedMs;
    const there = new Set((await bodiesOf(spare)).map(({ x, y }) => `${x},${y}`));
    const lost = acknowledged.filter(({ x, y }) => !there.has(`${x},${y}`)).length;
    await next.leave();
    return { answersMs, playsMs, acknowledged: acknowledged.length, lost };
  } finally {
    await (spare ?? (await waiting)).stop();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'regrow-takeover-'));
const cluster = await Cluster.start();
const measured: Round[] = [];
try {
  for (let i = 0; i < rounds; i++) {
    measured.push(await round(cluster, folder, `round${i}`));
    if (!values.json) console.error(`takeover: round ${i + 1} of ${rounds}`);
  }
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

const sorted = (of: (one: Round) => number): number[] => measured.map(of).sort((a, b) => a - b);
const seconds = (ms: number): number => Math.round(ms) / 1_000;
const [answers, plays] = [sorted(({ answersMs }) => answersMs), sorted(({ playsMs }) => playsMs)];
const figures = {
  rounds,
  answersMedianSeconds: seconds(medianOf(answers)),
  answersWorstSeconds: seconds(answers.at(-1)!),
  playsMedianSeconds: seconds(medianOf(plays)),
  playsWorstSeconds: seconds(plays.at(-1)!),
  acknowledged: measured.reduce((total, one) => total + one.acknowledged, 0),
  lost: measured.reduce((total, one) => total + one.lost, 0),
};
if (values.json) console.log(JSON.stringify(figures));
else console.table(figures);
process.exit(figures.lost === 0 ? 0 : 1);
