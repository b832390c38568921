/**
 * `npm run bench -- loop [--only mew,pikachu] [--ten] [--species cactus] [--sessions N] [--threads N] [--iterations N]
 * [--wounds N] [--folder DIR] [--quick] [--json]`: does the loop close? Five species, each with a session of another
 * style of play, recorded by script: the real tuner learns from it and swaps in what passes. Each is also measured on
 * wounds of the same style that it has never seen. `--ten`: ten sessions of one species, styles in turn, each learned
 * from and promoted; after each, the rule in force is measured on the held-out wounds of all ten.
 *
 * Minutes are wall-clock; on a machine that does other work, compare processor minutes. `--folder` keeps the data
 * directories, so that a run that was stopped goes on at the species or session that it had reached. `--quick` only shows
 * that it works.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { forkJob } from '../../server/background/lowProcess.ts';
import { type EvaluationTarget, matureTarget, targetOf } from '../../server/evaluation/evaluate.ts';
import { meanOf } from '../../server/evaluation/statistics.ts';
import { readRule } from '../../server/rules/load.ts';
import type { Rule } from '../../server/rules/rule.ts';
import { measureHealing } from '../../server/tuner/heal.ts';
import { measureSuite } from '../../server/tuner/measured.ts';
import { forkTuning } from '../../server/tuner/tuningProcess.ts';
import { WoundStore } from '../../server/tuner/woundStore.ts';
import type { ComparisonRecord } from '../../shared/adminApi.ts';
import { drawWounds, reachOf, recordOf } from './loop/sessions.ts';
import { STYLE_NAMES, type StyleName } from './loop/styles.ts';
import { type Learned, LoopWorld } from './loop/world.ts';

/** Each species with the style that its shipped rule heals worse than most others do. */
const FIVE: readonly (readonly [species: string, style: StyleName])[] = [
  ['cactus', 'dabs'],
  ['bee', 'noise'],
  ['gengar', 'halves'],
  ['crab', 'swipes'],
  ['snorlax', 'shrink'],
];
/** `--quick` tunes the smallest body that there is. */
const SMALL = ['sprout', 'noise'] as const;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    ten: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    species: { type: 'string', default: 'cactus' },
    sessions: { type: 'string', default: '10' },
    threads: { type: 'string', default: '2' },
    iterations: { type: 'string', default: '3000' },
    wounds: { type: 'string', default: '24' },
    folder: { type: 'string' },
    weights: { type: 'string', default: join(import.meta.dirname, '../../weights') },
  },
});
const threads = Number(values.threads);
const quick = values.quick;
const PROCESS = join(import.meta.dirname, '../../server/tuner/process.ts');
const options = {
  threads,
  iterations: quick ? 4 : Number(values.iterations),
  // Not at the lowest priority where it only shows that it works: beside tests it would hardly run.
  spawn: quick ? (job: string) => forkJob(PROCESS, job) : forkTuning,
  ...(quick ? { randomSeeds: 2 } : {}),
};
const sessions = quick ? 2 : Number(values.sessions);
const woundsPerSession = quick ? 8 : Number(values.wounds);
const measuredSeeds = quick ? 1 : 4;
const freshWounds = quick ? 2 : 16;

const say = (line: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
const rounded = (value: number): number => Number(value.toPrecision(3));
function fileOf(species: string): string {
  if (quick) return join(import.meta.dirname, `../fixtures/${species}.safetensors`);
  // As the nursery left them: the shipped ones have been polished since, and little is left to learn.
  const learned = join(import.meta.dirname, `loop/learned/${species}.safetensors`);
  if (existsSync(learned)) return learned;
  const shipped = join(values.weights, `${species}.safetensors`);
  return existsSync(shipped) ? shipped : join(values.weights, 'starters', `${species}.safetensors`);
}

/** As the tuner takes it: the rule's picture, or what it grows. */
const pictureOf = async (rule: Rule): Promise<EvaluationTarget> =>
  targetOf(rule) ?? (await matureTarget(rule));

const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'regrow-loop-'));
mkdirSync(folder, { recursive: true });
try {
  const told = values.ten ? await ten(quick ? SMALL[0] : values.species) : await five();
  if (values.json) console.log(JSON.stringify(told, null, 2));
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

/** Does it once: what a run that was stopped has done already is read again. */
async function once<T>(name: string, does: () => Promise<T>): Promise<T> {
  const file = join(folder, `${name}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const done = await does();
  writeFileSync(file, JSON.stringify(done, null, 2));
  return done;
}

interface Measured {
  readonly error: number;
  readonly recovery: number;
  readonly steps: number;
  readonly errorAt1000: number;
  readonly changingCells: number;
  readonly leastRecovery: number;
  readonly deaths: number;
  readonly runaways: number;
}

/** @param wounds - that no training has seen */
async function measure(
  rule: Rule,
  target: EvaluationTarget,
  wounds: readonly (readonly object[])[],
): Promise<Measured> {
  const blows = wounds as Parameters<typeof measureHealing>[2];
  const healing = await measureHealing(rule, target.target, blows, { randomSeeds: measuredSeeds, threads });
  const suite = await measureSuite(rule, target, { randomSeeds: measuredSeeds, threads, lastStep: 1_000 });
  return {
    error: rounded(meanOf(healing.healed)),
    recovery: rounded(meanOf(healing.recovery)),
    steps: rounded(meanOf(healing.steps)),
    errorAt1000: rounded(meanOf(suite.mse[1000])),
    changingCells: rounded(meanOf(suite.changingCells)),
    leastRecovery: rounded(Math.min(...Object.values(suite.recovery).map(meanOf))),
    deaths: suite.deaths,
    runaways: suite.runaways,
  };
}

function figuresOf(learned: Learned | null): Record<string, unknown> {
  if (learned === null) return { outcome: 'no attempt' };
  const { attempt, minutes, processorMinutes, metrics } = learned;
  const comparison = metrics.comparison as ComparisonRecord | undefined;
  const figure = (name: string): readonly number[] | undefined => {
    const found = comparison?.figures.find((one) => one.name === name);
    return found && [found.before, found.after].map(rounded);
  };
  return {
    outcome: attempt.outcome,
    told: attempt.told,
    minutes: rounded(minutes),
    processorMinutes: rounded(processorMinutes),
    iterations: attempt.iterations,
    rounds: attempt.rounds.map(
      ({ aim, iterations, lacks }) => `${aim} ${iterations}: ${lacks.join('; ') || 'passes'}`,
    ),
    trainedWounds: attempt.trainedWounds,
    heldOutWounds: attempt.heldOutWounds,
    heldOutError: comparison && [comparison.heldOutLossBefore, comparison.heldOutLossAfter].map(rounded),
    heldOutRecovery: figure('held-out wounds, recovery'),
    heldOutSteps: figure('held-out wounds, steps to heal'),
    errorAt1000: figure('at step 1000'),
    changingCells: figure('cells that change per step'),
    load: rounded(loadavg()[0]),
  };
}

async function five(): Promise<Record<string, unknown>> {
  const only = values.only?.split(',');
  const results = [];
  for (const [species, style] of quick ? [SMALL] : FIVE) {
    if (only !== undefined && !only.includes(species)) continue;
    const result = await once(`five-${species}`, async () => {
      const first = readRule(fileOf(species));
      const target = await pictureOf(first);
      const reach = reachOf(target);
      const wounds = drawWounds(style, `${species} ${style}`, woundsPerSession, reach);
      const fresh = drawWounds(style, `${species} ${style} fresh`, freshWounds, reach);
      const world = new LoopWorld(fileOf(species), { ...options, folder: join(folder, species), log: say });
      try {
        const learned = await world.learn(recordOf(species, wounds, 0));
        const before = await measure(first, target, fresh);
        const after = await measure(world.rule, target, fresh);
        return { species, style, ...figuresOf(learned), freshBefore: before, freshAfter: after };
      } finally {
        await world.close();
      }
    });
    results.push(result);
    say(JSON.stringify(result));
  }
  const passed = results.filter((result) => (result as { outcome?: unknown }).outcome === 'passed').length;
  return { passed, tried: results.length, threads, iterations: options.iterations, results };
}

async function ten(species: string): Promise<Record<string, unknown>> {
  const first = readRule(fileOf(species));
  const target = await pictureOf(first);
  const reach = reachOf(target);
  const records = Array.from({ length: sessions }, (_, number) => {
    const style = STYLE_NAMES[number % STYLE_NAMES.length];
    return recordOf(
      species,
      drawWounds(style, `${species} ${style} ${number}`, woundsPerSession, reach),
      number,
    );
  });
  const union = unionOf(species, records);
  const world = new LoopWorld(fileOf(species), { ...options, folder: join(folder, species), log: say });
  const results: ({ readonly union: Measured } & Record<string, unknown>)[] = [];
  try {
    const before = await once('ten-before', () => measure(first, target, union));
    for (const [number, record] of records.entries()) {
      const result = await once(`ten-${number}`, async () => {
        const learned = await world.learn(record);
        const inForce = world.promoted;
        return {
          session: number + 1,
          style: STYLE_NAMES[number % STYLE_NAMES.length],
          ...figuresOf(learned),
          inForce,
          union: await measure(world.rule, target, union),
        };
      });
      results.push(result);
      say(JSON.stringify(result));
    }
    const promotions = results.filter(({ outcome }) => outcome === 'passed').length;
    return { species, sessions, unionWounds: union.length, promotions, before, results };
  } finally {
    await world.close();
  }
}

/** The held-out wounds of all sessions, as the tuner will keep them. */
function unionOf(
  species: string,
  records: readonly ReturnType<typeof recordOf>[],
): readonly (readonly object[])[] {
  const place = mkdtempSync(join(tmpdir(), 'regrow-union-'));
  try {
    const store = new WoundStore(place, say);
    for (const { id, wounds } of records) store.add(species, id, wounds);
    return store.of(species).heldOut.map(({ blows }) => blows);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
