/** What the siege says of one attack: figures, and which bars it meets. */

import type { Body } from '../soak/sizes.ts';
import {
  barsOf,
  type HonestWindow,
  type Level,
  type Look,
  levelOf,
  mostWaitMs,
  ratioOf,
  type Share,
  shareOf,
} from './figures.ts';
import type { Attacked } from './processes.ts';

const MAX_SAID = 30;

export interface Besieging {
  readonly name: string;
  readonly attacks: readonly string[];
  readonly seconds: number;
  readonly addresses: number;
  readonly calm: HonestWindow;
  readonly attack: HonestWindow;
  /** The last window after the attack; null: the server had ended. */
  readonly after: HonestWindow | null;
  /** How the server's process ended by itself; null: it runs. */
  readonly exit: string | null;
  readonly uncaught: readonly string[];
  readonly stacks: readonly string[];
  /** All that it has printed on standard error. */
  readonly complaints: readonly string[];
  readonly bodies: { readonly before: number; readonly byPlayers: number; readonly missing: readonly Body[] };
  readonly looks: readonly Look[];
  /** The attack, on the looks' clock. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly recoveredSeconds: number | null;
  /** By attack. */
  readonly attacked: Readonly<Record<string, Attacked>>;
}

export type Besieged = ReturnType<typeof besiegedOf>;

export function besiegedOf(one: Besieging) {
  const { calm, attack, after, exit, uncaught, stacks, bodies, looks, fromSeconds, toSeconds } = one;
  const descriptors = levelOf(looks, 'descriptors', fromSeconds, toSeconds);
  const rssMiB = levelOf(looks, 'rssMiB', fromSeconds, toSeconds);
  const { recoveredSeconds } = one;
  const outcome = {
    calm,
    attack,
    exit,
    uncaught,
    stacks,
    bodies: { before: bodies.before, missing: bodies.missing.length },
    descriptors,
    rssMiB,
    recoveredSeconds,
  };
  const cpuSeconds = Object.values(one.attacked).reduce((sum, attacked) => sum + attacked.cpuSeconds, 0);
  return {
    name: one.name,
    seconds: one.seconds,
    addresses: one.addresses,
    meets: barsOf(outcome),
    strokes: {
      calm: calm.strokes,
      attack: attack.strokes,
      after: after?.strokes ?? null,
      mostP99Ms: calm.strokes.p99Ms === null ? null : mostWaitMs(calm.strokes.p99Ms),
    },
    server: {
      calm: shareOf(looks, Number.NEGATIVE_INFINITY, fromSeconds),
      attack: shareOf(looks, fromSeconds, toSeconds),
    },
    loopDelayMs: { calm: calm.loopDelayMs, attack: attack.loopDelayMs },
    stepsPerSecond: rates(calm.stepsPerSecond, attack.stepsPerSecond, after?.stepsPerSecond ?? null),
    framesPerSecond: rates(calm.framesPerSecond, attack.framesPerSecond, after?.framesPerSecond ?? null),
    bodies: {
      before: bodies.before,
      byPlayers: bodies.byPlayers,
      missing: bodies.missing.length,
      missingByPlayers: bodies.missing.filter(({ planter }) => planter !== '').length,
    },
    recoveredSeconds,
    descriptors,
    rssMiB,
    honest: {
      refused: attack.refused,
      errors: attack.errors,
      calmErrors: calm.errors,
      visitors: { calm: calm.regulars, attack: attack.regulars },
    },
    crash: { exit, uncaught: someOf(uncaught) },
    serverSaid: { lines: one.complaints.length, first: someOf(one.complaints) },
    attackersProcessorPercent: (100 * cpuSeconds) / one.seconds,
    attackers: Object.fromEntries(Object.entries(one.attacked).map(([name, { counts }]) => [name, counts])),
  };
}

/** Each once. */
const someOf = (lines: readonly string[]): string[] => [...new Set(lines)].slice(0, MAX_SAID);

const rates = (calm: number | null, attack: number | null, after: number | null) => ({
  calm,
  attack,
  after,
  ratio: ratioOf(attack, calm),
});

export function reportOf(settings: Readonly<Record<string, number>>, attacks: readonly Besieged[]) {
  const failed = attacks.flatMap(({ name, meets }) =>
    Object.entries(meets)
      .filter(([, isMet]) => isMet === false)
      .map(([bar]) => `${name}: ${bar}`),
  );
  return { ...settings, failed, attacks };
}

const shown = (value: number | null, digits = 3): string =>
  value === null ? '–' : value.toLocaleString('en', { maximumSignificantDigits: digits });

/** For people. */
export function printBesieged(one: Besieged): void {
  const { strokes, stepsPerSecond: steps, framesPerSecond: frames, bodies, honest, crash, server } = one;
  const level = ({ before, max, end, after, driftPercent }: Level): string =>
    `before ${shown(before)}, most ${shown(max)}, end ${shown(end)}, after ${shown(after)}, drift ${shown(driftPercent)} %`;
  const share = (of: Share | null): string =>
    of === null
      ? '–'
      : `${shown(of.processorPercent)} % of a core, waited ${shown(of.waitedPercent)} %, others took ${shown(of.othersPercent)} %`;
  const bars = Object.entries(one.meets).map(
    ([bar, isMet]) => `${isMet === null ? '–' : isMet ? 'ok' : 'NO'} ${bar}`,
  );
  const visitors = Object.entries(honest.visitors.attack).map(
    ([what, { tries, served, slowestMs, refusals }]) =>
      `${what} ${served}/${tries} (${shown(slowestMs)} ms${served < tries ? `, ${JSON.stringify(refusals)}` : ''})`,
  );
  const lines = [
    ['bars', bars.join(', ')],
    [
      'strokes, ms',
      `calm p50 ${shown(strokes.calm.p50Ms)} p99 ${shown(strokes.calm.p99Ms)}, attack p50 ${shown(strokes.attack.p50Ms)} p99 ${shown(strokes.attack.p99Ms)} (at most ${shown(strokes.mostP99Ms)}), ${strokes.attack.lost} of ${strokes.attack.count} lost`,
    ],
    [
      'own delay, ms',
      `calm p99 ${shown(one.loopDelayMs.calm.p99)}, attack p99 ${shown(one.loopDelayMs.attack.p99)}`,
    ],
    ['server', `calm ${share(server.calm)}; attack ${share(server.attack)}`],
    [
      'steps/s',
      `${shown(steps.calm)} → ${shown(steps.attack)} (${shown(steps.ratio)}), after ${shown(steps.after)}`,
    ],
    [
      'frames/s',
      `${shown(frames.calm)} → ${shown(frames.attack)} (${shown(frames.ratio)}), after ${shown(frames.after)}`,
    ],
    [
      'bodies',
      `${bodies.before - bodies.missing} of ${bodies.before}; back after ${shown(one.recoveredSeconds)} s`,
    ],
    ['descriptors', level(one.descriptors)],
    ['RSS, MiB', level(one.rssMiB)],
    ['visitors', visitors.join(', ')],
    ['refused', JSON.stringify(honest.refused)],
    ['errors', JSON.stringify(honest.errors)],
    ['crash', crash.exit === null && crash.uncaught.length === 0 ? 'none' : JSON.stringify(crash)],
    ['server said', `${one.serverSaid.lines} lines: ${JSON.stringify(one.serverSaid.first.slice(0, 4))}`],
    ['attackers', `${shown(one.attackersProcessorPercent)} % of a core; ${JSON.stringify(one.attackers)}`],
  ];
  console.log(
    `\n${one.name}, ${shown(one.seconds)} s from ${one.addresses} address${one.addresses > 1 ? 'es' : ''}`,
  );
  for (const [what, text] of lines) console.log(`  ${what.padEnd(14)} ${text}`);
}
