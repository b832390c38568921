/**
 * `npm run bench -- journal [--rounds N] [--seconds S] [--play S] [--json]`: what durability costs. The default garden
 * under 64 strokes per second, with the journal on disk (`flush`), with it at the operating system (`os`), and with a
 * double that throws entries away (`none`). The three run in turns of a few seconds, round by round, in an order that
 * rotates, and are compared within a round: a drift of the machine favours none. Then a server of that garden is killed
 * after a full minute of play, and its start is timed beside one after an orderly stop.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Remote } from './fanout/messages.ts';
import {
  figuresOf,
  orderOf,
  type Round,
  ratiosOf,
  type Turn,
  VARIANTS,
  type Variant,
} from './journal/figures.ts';
import { STROKES_PER_SECOND, type VariantCalls } from './journal/variant.ts';
import { TortureServer } from './torture/server.ts';

/** Bodies are whole, and steady. */
const GROWN_STEPS = 900;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '6' },
    play: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});
const [roundCount, seconds, playSeconds] = [values.rounds, values.seconds, values.play].map(Number);
if (![roundCount, seconds, playSeconds].every((value) => value >= 1))
  throw new RangeError('--rounds, --seconds and --play are numbers of at least 1');

type Process = Remote<VariantCalls>;
const folder = mkdtempSync(join(tmpdir(), 'regrow-journal-'));
const dataDirOf = (variant: Variant): string => join(folder, variant);
const processes: Process[] = [];
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

async function start(variant: Variant, growToStep = 0): Promise<{ process: Process; organisms: number }> {
  const started: Process = new Remote('../journal/variant.ts');
  processes.push(started);
  const organisms = await started.ask('start', { dataDir: dataDirOf(variant), variant, growToStep });
  return { process: started, organisms };
}

/** From the start of the server's process until it takes connections. */
async function startMs(dataDir: string): Promise<{ readonly readyMs: number; readonly printed: string }> {
  const server = new TortureServer(['--data-dir', dataDir, '--tuner', 'off', '--engine', 'wasm'], null);
  try {
    await server.start();
  } finally {
    await server.stop();
  }
  const { readyMs, printed } = server;
  if (readyMs === null) throw new Error(`the server did not start; it printed:\n${printed}`);
  return { readyMs, printed };
}

/** The garden is killed after a minute: its start takes the steps again that the journal tells of. */
async function recover(flush: Process): Promise<Record<string, number>> {
  await flush.ask('play', { seconds: playSeconds });
  await flush.kill();
  const { readyMs, printed } = await startMs(dataDirOf('flush'));
  const [, steps = '0', entries = '0'] =
    /(\d+) steps since the last save taken again, with (\d+) entries/.exec(printed) ?? [];
  return {
    playSeconds,
    readyAfterKillMs: readyMs,
    // The server was stopped in order: there is nothing to take again.
    readyAfterStopMs: (await startMs(dataDirOf('flush'))).readyMs,
    stepsTakenAgain: Number(steps),
    entries: Number(entries),
  };
}

try {
  const grown = await start('flush', GROWN_STEPS);
  await grown.process.ask('stop', null);
  await grown.process.stop();
  for (const variant of ['os', 'none'] as const)
    cpSync(dataDirOf('flush'), dataDirOf(variant), { recursive: true });
  const running = {
    flush: (await start('flush')).process,
    os: (await start('os')).process,
    none: (await start('none')).process,
  };
  const rounds: Round[] = [];
  for (let round = 0; round < roundCount; round++) {
    const turns = new Map<Variant, Turn>();
    for (const variant of orderOf(round))
      turns.set(variant, await running[variant].ask('measure', { seconds }));
    rounds.push(Object.fromEntries(turns) as unknown as Round);
  }
  for (const variant of ['os', 'none'] as const) await running[variant].kill();
  const recovery = await recover(running.flush);
  report({
    rounds: roundCount,
    seconds,
    strokesPerSecond: STROKES_PER_SECOND,
    organisms: grown.organisms,
    variants: Object.fromEntries(
      VARIANTS.map((variant) => [variant, figuresOf(rounds.map((round) => round[variant]))]),
    ),
    stepsPerSecondRatio: {
      flushToNone: ratiosOf(rounds, 'flush', 'stepsPerSecond'),
      osToNone: ratiosOf(rounds, 'os', 'stepsPerSecond'),
    },
    processorPerStepRatio: {
      flushToNone: ratiosOf(rounds, 'flush', 'processorMsPerStep'),
      osToNone: ratiosOf(rounds, 'os', 'processorMsPerStep'),
    },
    recovery,
  });
} finally {
  await Promise.all(processes.map((one) => one.kill()));
}

function report(figures: object): void {
  if (values.json) {
    console.log(JSON.stringify(figures, undefined, 2));
    return;
  }
  const print = (of: object, path: string): void => {
    for (const [name, value] of Object.entries(of))
      if (typeof value === 'object' && !Array.isArray(value)) print(value, `${path}${name}.`);
      else console.log(`${`${path}${name}`.padEnd(44)} ${[value].flat().map(shown).join(' ')}`);
  };
  print(figures, '');
}

function shown(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 4 });
}
