/**
 * `npm run bench -- siege [--only names] [--addresses 1|20] [--seconds 20] [--minutes 1] [--random-seed n] [--json]`: a
 * real server with a grown garden, ten honest players, an observer and visitors; then each attack of
 * `siege/attacks.ts`, and all of them together. Before each, the server starts anew from the same world, and is
 * measured in calm.
 *
 * The server runs from a copy of the repository, because one attack deletes files of the built client. The tuner is
 * off: what it trains between two attacks is not what is measured.
 *
 * All processes share this machine's cores. Attackers run at a lower priority than the server, as if they were
 * elsewhere, and do a bounded amount of work; `attackersProcessorPercent` is what they took. How late the honest
 * clients' own timers were is `loopDelayMs`: waits of about that length are not the server's. `none` is the same
 * procedure without an attacker.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { scratchCopy } from '../scratchCopy.ts';
import { BenchServer } from './load/server.ts';
import { attackerAddresses } from './siege/addresses.ts';
import { ATTACKS, addressesOf } from './siege/attacks.ts';
import { assetsIn } from './siege/downloads.ts';
import { type HonestWindow, isBack, type Look, missing, stacksIn, uncaughtIn } from './siege/figures.ts';
import { Attacker, Honest, type HonestTask } from './siege/processes.ts';
import { type Besieged, besiegedOf, printBesieged, reportOf } from './siege/report.ts';
import { machineTicks, ticksOf, ticksPerSecond, useOf, waitedSeconds } from './soak/proc.ts';
import { type Body, hasBody } from './soak/sizes.ts';

const BUILT_CLIENT = join(import.meta.dirname, '../../build/client');
const TOGETHER = 'together';
const PLAYERS = 10;
/** The garden is grown by then. */
const GROWN_STEPS = 700;
const GROWING_STEPS_PER_SECOND = 120;
const MAX_GROWING_MS = 600_000;
/** After the players have come, and the server's first second. */
const SETTLE_MS = 8_000;
const CALM_MS = 15_000;
const LOOK_MS = 1_000;
const RECOVERY_LOOK_MS = 4_000;
/** How long the world may take to recover: from one address, and from more. */
const RECOVERY_MS = { one: 30_000, more: 60_000 } as const;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    /** Names of attacks, with commas between them; `together`: all at once. Left out: every attack, then together. */
    only: { type: 'string' },
    /** From how many addresses each attack comes: 1 or 20. */
    addresses: { type: 'string', default: '1' },
    /** For how long each attack goes on. */
    seconds: { type: 'string', default: '20' },
    /** For how long all go on together; may be a fraction. */
    minutes: { type: 'string', default: '1' },
    'random-seed': { type: 'string', default: '1' },
  },
});

function refuse(text: string): never {
  console.error(text);
  process.exit(1);
}

function number(name: 'seconds' | 'minutes' | 'random-seed', least: number, most: number): number {
  const value = Number(values[name]);
  if (value >= least && value <= most) return value;
  return refuse(`--${name} must be a number from ${least} to ${most}, not "${values[name]}"`);
}

const NAMES = [...Object.keys(ATTACKS), TOGETHER];
const asked = values.only?.split(',') ?? NAMES;
for (const name of asked)
  if (!NAMES.includes(name))
    refuse(`--only: there is no attack "${name}", expected some of ${NAMES.join(', ')}`);
if (values.addresses !== '1' && values.addresses !== '20')
  refuse(`--addresses must be 1 or 20, not "${values.addresses}"`);
const addressCount = Number(values.addresses);
const attackSeconds = number('seconds', 5, 3_600);
const togetherSeconds = 60 * number('minutes', 0.1, 24 * 60);
const randomSeed = number('random-seed', 0, 0xffff_ffff);
if (!existsSync(join(BUILT_CLIENT, 'index.html'))) refuse('siege: the client is not built: npm run build');

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    // A second signal ends this process without waiting for the server.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(new Error(`stopped by ${signal}`));
  });
const stop = interrupted.signal;
const tell = (text: string): void => console.error(`siege: ${text}`);
const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal: stop });

const ticks = ticksPerSecond();
const copy = scratchCopy();
const clientDir = join(copy.path, 'build/client');
const grownWorld = mkdtempSync(join(tmpdir(), 'regrow-siege-'));

async function honestTask(server: BenchServer, isPlanting: boolean): Promise<HonestTask> {
  const { width, height, species } = await server.live();
  return {
    url: server.url,
    world: { width, height },
    species,
    bodies: await server.organisms(),
    players: PLAYERS,
    isPlanting,
    asset: assetsIn(BUILT_CLIENT)[0],
    randomSeed,
  };
}

/** Grows a garden and a body of each honest player, in `grownWorld`. @returns how many bodies players planted */
async function growWorld(): Promise<number> {
  const flags = ['--tuner', 'off', '--steps-per-second', String(GROWING_STEPS_PER_SECOND)];
  const server = new BenchServer({ flags, root: copy.path });
  let honest: Honest | null = null;
  try {
    await server.start(stop);
    honest = new Honest(await honestTask(server, true));
    const planted = await honest.ready();
    const deadlineMs = performance.now() + MAX_GROWING_MS;
    while ((await server.health()).step < GROWN_STEPS) {
      if (performance.now() > deadlineMs)
        throw new Error(`the world has not made ${GROWN_STEPS} steps in ${MAX_GROWING_MS / 1_000} s`);
      await pause(500);
    }
    return planted;
  } finally {
    await honest?.stop();
    await server.stop(grownWorld);
  }
}

/**
 * Looks at the server's process once per second until the signal.
 *
 * @param pids - of the siege's other processes, those that have ended included
 */
async function watch(
  server: BenchServer,
  pids: readonly number[],
  looks: Look[],
  startMs: number,
  over: AbortSignal,
): Promise<void> {
  /** By process: a process that has ended keeps what it took. */
  const taken = new Map<number, number>();
  for (let n = 1; !over.aborted; n++) {
    const use = useOf(server.pid);
    const waited = waitedSeconds(server.pid);
    if (use === null || waited === null || !server.isRunning) return;
    for (const pid of [process.pid, server.pid, ...pids]) taken.set(pid, ticksOf(pid) ?? taken.get(pid) ?? 0);
    const own = [...taken.values()].reduce((sum, one) => sum + one, 0);
    looks.push({
      atSeconds: (performance.now() - startMs) / 1_000,
      descriptors: use.descriptors,
      rssMiB: use.rssMiB,
      processorSeconds: use.ticks / ticks,
      waitedSeconds: waited,
      othersSeconds: (machineTicks() - own) / ticks,
    });
    await sleep(Math.max(0, startMs + n * LOOK_MS - performance.now()), undefined, { signal: over }).catch(
      () => {},
    );
  }
}

/** The bodies there are; null: the server does not say. */
const bodiesNow = (server: BenchServer): Promise<readonly Body[] | null> =>
  server.organisms().catch((error) => {
    if (server.isRunning) tell(`no answer about organisms: ${(error as Error).message}`);
    return null;
  });

function attackersOf(url: string, attacks: readonly string[], seconds: number): Attacker[] {
  const together = attacks.length > 1;
  return attacks.map((attack, i) => {
    // Together and from one address, each attack has its own: else whoever holds all sockets would shield the server.
    const given = attackerAddresses(together && addressCount === 1 ? i : 0, addressCount);
    return new Attacker({
      attack,
      url,
      addresses: addressesOf(attack, given),
      seconds,
      randomSeed: randomSeed * 100 + i,
      clientDir,
      isShared: together && addressCount > 1,
    });
  });
}

/** One attack, or several at once, on a server of its own. */
async function besiege(name: string, attacks: readonly string[], seconds: number): Promise<Besieged> {
  rmSync(clientDir, { recursive: true, force: true });
  cpSync(BUILT_CLIENT, clientDir, { recursive: true });
  const server = new BenchServer({ flags: ['--tuner', 'off'], from: grownWorld, root: copy.path });
  const over = new AbortController();
  const looks: Look[] = [];
  const attackers: Attacker[] = [];
  let honest: Honest | null = null;
  try {
    await server.start(stop);
    honest = new Honest(await honestTask(server, false));
    await honest.ready();
    attackers.push(...attackersOf(server.url, attacks, seconds));
    for (const attacker of attackers) await attacker.ready();
    await pause(SETTLE_MS);
    const startMs = performance.now();
    const secondsNow = (): number => (performance.now() - startMs) / 1_000;
    const pids = [honest, ...attackers].map(({ pid }) => pid);
    const watching = watch(server, pids, looks, startMs, over.signal);
    await honest.take();
    await pause(CALM_MS);
    const calm = await honest.take();
    const before = (await server.organisms()).filter(hasBody);
    const fromSeconds = secondsNow();
    for (const attacker of attackers) attacker.begin();
    const attacked = await Promise.all(attackers.map((attacker) => attacker.done()));
    const toSeconds = secondsNow();
    const attack = await honest.take();

    // The world is looked at until it is as before.
    const limitSeconds = (addressCount === 1 ? RECOVERY_MS.one : RECOVERY_MS.more) / 1_000;
    let recoveredSeconds: number | null = null;
    let gone: readonly Body[] = before;
    let after: HonestWindow | null = null;
    while (server.isRunning && recoveredSeconds === null && secondsNow() - toSeconds < limitSeconds) {
      await pause(RECOVERY_LOOK_MS);
      after = await honest.take();
      gone = missing(before, (await bodiesNow(server)) ?? []);
      if (isBack(calm, after, gone.length)) recoveredSeconds = secondsNow() - toSeconds;
    }
    // Descriptors of sockets that have just been closed.
    if (server.isRunning) await pause(2 * LOOK_MS);
    const exit = server.isRunning ? null : `ended with ${server.exitCode ?? 'a signal'}`;
    over.abort();
    await watching;
    return besiegedOf({
      name,
      attacks,
      seconds: toSeconds - fromSeconds,
      addresses: addressCount,
      calm,
      attack,
      after,
      exit,
      uncaught: uncaughtIn(server.complaints),
      stacks: stacksIn(server.complaints),
      complaints: server.complaints,
      bodies: {
        before: before.length,
        byPlayers: before.filter(({ planter }) => planter !== '').length,
        missing: gone,
      },
      looks,
      fromSeconds,
      toSeconds,
      recoveredSeconds,
      attacked: Object.fromEntries(attacks.map((attack, i) => [attack, attacked[i]])),
    });
  } finally {
    over.abort();
    for (const attacker of attackers) await attacker.stop();
    await honest?.stop();
    await server.stop();
  }
}

try {
  cpSync(BUILT_CLIENT, clientDir, { recursive: true });
  const planted = await growWorld();
  tell(`a garden has grown, and ${planted} bodies of players`);
  const besieged: Besieged[] = [];
  const all = Object.keys(ATTACKS).filter((attack) => attack !== 'none');
  for (const name of asked) {
    const attacks = name === TOGETHER ? all : [name];
    const what = name === TOGETHER ? 'all of them together' : ATTACKS[name].what;
    tell(`${name}: ${what}`);
    const one = await besiege(name, attacks, name === TOGETHER ? togetherSeconds : attackSeconds);
    besieged.push(one);
    if (!values.json) printBesieged(one);
  }
  if (values.json)
    console.log(
      JSON.stringify(
        reportOf({ addresses: addressCount, attackSeconds, togetherSeconds, randomSeed }, besieged),
        undefined,
        2,
      ),
    );
} catch (error) {
  console.error(stop.aborted ? `siege: ${(stop.reason as Error).message}` : (error as Error).stack);
  process.exitCode = stop.aborted ? 130 : 1;
} finally {
  copy.dispose();
  rmSync(grownWorld, { recursive: true, force: true });
}
process.exit();
