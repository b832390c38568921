/**
 * `npm run bench -- torture [--kills 200] [--random-seed 1] [--keep] [--json]`: a real server on a small world, players
 * and an admin who act on it, killed at random instants and in the middle of what it writes, and started again on the
 * same data directory. After each kill, what was acknowledged must be in the world that is left, and the world must be
 * the same to the bit, whether it is recovered from its newest save or from the one before it: saves are copies of a
 * living world, so this compares the replay with a world that was never killed.
 *
 * A run of 100 kills or more fails as well when a kind of kill was never hit, or when nobody died, came back, wilted, slept
 * and so on: then it has not tried what it is there for.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../engines/fixtures.ts';
import { KillPlan } from './torture/kills.ts';
import { Findings, Life } from './torture/life.ts';
import { SmallDisk } from './torture/smallDisk.ts';
import { untried } from './torture/untried.ts';

const KILLS_PER_LIFE = 12;
/** Every fourth data directory lies on a disk that is filled. */
const SMALL_DISK_EVERY = 4;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    kills: { type: 'string', default: '200' },
    'random-seed': { type: 'string', default: '1' },
    /** Copies of directories at fault stay, and their folder is printed. */
    keep: { type: 'boolean', default: false },
  },
});

function number(name: 'kills' | 'random-seed', least: number, most: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  console.error(`--${name} must be a whole number from ${least} to ${most}, not "${values[name]}"`);
  process.exit(1);
}

const kills = number('kills', 1, 100_000);
const randomSeed = number('random-seed', 0, 0xffff_ffff);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    // A second signal ends this process without waiting for the server.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(new Error(`stopped by ${signal}`));
  });
const tell = (text: string): void => console.error(`torture: ${text}`);

const root = mkdtempSync(join(tmpdir(), 'regrow-torture-'));
process.once('exit', () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
const kept = values.keep ? mkdtempSync(join(tmpdir(), 'regrow-torture-kept-')) : null;
const findings = new Findings();
const plan = new KillPlan(seededRandom(randomSeed));
let smallDisks: 'used' | string = 'none was due';

/** @returns null where this process may not mount */
function smallDisk(folder: string): SmallDisk | null {
  try {
    const disk = new SmallDisk(folder);
    smallDisks = 'used';
    return disk;
  } catch (error) {
    if (smallDisks !== (error as Error).message) tell(`no full disks: ${(error as Error).message}`);
    smallDisks = (error as Error).message;
    return null;
  }
}

async function live(index: number, count: number): Promise<void> {
  const draw = seededRandom(randomSeed * 1_000 + index);
  const folder = join(root, `life-${index}`);
  mkdirSync(folder);
  const disk = index % SMALL_DISK_EVERY === SMALL_DISK_EVERY - 1 ? smallDisk(folder) : null;
  const scratch = join(root, 'scratch');
  mkdirSync(scratch, { recursive: true });
  try {
    const life = new Life({
      folder,
      disk,
      scratch,
      kept,
      name: `life-${randomSeed}-${index}`,
      draw,
      findings,
      tell,
      signal: interrupted.signal,
    });
    const goal = findings.kills + count;
    // An aim that is met in the start may need no kill at all: the number of tries is bounded.
    for (let tries = 0; findings.kills < goal && tries < 2 * count; tries++) {
      await life.kill(plan.next(disk !== null));
      if (findings.kills % 10 === 0)
        tell(
          `${findings.kills} kills, ${findings.acknowledged} acknowledged, ${findings.faults.length} faults`,
        );
    }
    await life.end();
  } finally {
    disk?.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  for (let index = 0; findings.kills < kills; index++)
    await live(index, Math.min(KILLS_PER_LIFE, kills - findings.kills));
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  tell((interrupted.signal.reason as Error).message);
  process.exitCode = 130;
}

if (!interrupted.signal.aborted) findings.faults.push(...untried(findings, smallDisks === 'used'));
const readyMs = findings.readyMs.toSorted((a, b) => a - b);
const report = {
  settings: { kills, randomSeed, smallDisks },
  kills: findings.kills,
  acknowledged: findings.acknowledged,
  lost: findings.lost,
  bitEqual: findings.bitEqual,
  withoutSave: findings.withoutSave,
  recoverP50Ms: Math.round(readyMs[readyMs.length >> 1] ?? Number.NaN),
  recoverWorstMs: Math.round(readyMs.at(-1) ?? Number.NaN),
  tornTails: findings.tornTails,
  overtaken: findings.overtaken,
  refusedStarts: findings.refusedStarts,
  inStart: findings.inStart,
  byKind: Object.fromEntries(findings.byKind),
  lived: Object.fromEntries(findings.lived),
  acknowledgedByKind: Object.fromEntries(findings.acknowledgedByKind),
  faults: findings.faults,
};
if (values.json) console.log(JSON.stringify(report, undefined, 2));
else
  for (const [name, value] of Object.entries(report))
    console.log(`${name.padEnd(20)} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
if (kept !== null) tell(`directories at fault are in ${kept}`);
if (findings.faults.length > 0) process.exitCode ??= 1;
process.exit();
