/** The curve of the last minute of health, as SVG path data; and health in a word. Pure. */
import type { Absence } from '../../shared/protocol.ts';

export const PLOT_SECONDS = 60;

export interface Plot {
  /** The curve itself. */
  readonly line: string;
  /** The area between the curve and zero. */
  readonly area: string;
  /** The area between the curve and the best health so far in this minute: what is missing. */
  readonly drop: string;
  /** The newest point of the curve. */
  readonly x: number;
  readonly y: number;
}

/**
 * @param history - 0..1, oldest first; the last sample is drawn at the right edge
 * @param everySeconds - time between samples
 * @returns null when there is nothing to draw yet
 */
export function plotHealth(
  history: readonly number[],
  everySeconds: number,
  width: number,
  height: number,
): Plot | null {
  const shown = Math.floor(PLOT_SECONDS / everySeconds) + 1;
  const samples = history.slice(-shown);
  if (samples.length === 0) return null;
  const xAt = (i: number): number => width - ((samples.length - 1 - i) * everySeconds * width) / PLOT_SECONDS;
  const yAt = (health: number): number => height * (1 - Math.min(1, Math.max(0, health)));

  const curve: string[] = [];
  const best: string[] = [];
  let peak = 0;
  for (let i = 0; i < samples.length; i++) {
    const x = xAt(i).toFixed(1);
    peak = Math.max(peak, samples[i]);
    curve.push(`${x} ${yAt(samples[i]).toFixed(1)}`);
    best.push(`${x} ${yAt(peak).toFixed(1)}`);
  }
  const line = `M${curve.join('L')}`;
  const left = xAt(0).toFixed(1);
  return {
    line,
    area: `${line}L${width} ${height}L${left} ${height}Z`,
    drop: `${line}L${best.reverse().join('L')}Z`,
    x: xAt(samples.length - 1),
    y: yAt(samples[samples.length - 1]),
  };
}

export type Mood = 'well' | 'healing' | 'hurt' | 'growing' | 'wilting' | 'waiting' | 'leaving';

const ABSENT: Readonly<Record<Absence, Mood>> = {
  wilting: 'wilting',
  died: 'waiting',
  removed: 'leaving',
  withering: 'leaving',
};

/** Health that rises by less than this over two seconds stands still. */
const STILL = 0.004;

/**
 * Health in a word, by these rules in this order: without a body, why; from 0.93 on a body is well; one that has lost more than 0.02 in the
 * last two seconds is hurt; one that gains is healing if it was ever better by more than 0.05, else growing up; one that
 * stands still is healing from 0.6 on, and hurt below.
 */
export function moodOf(
  history: readonly number[],
  everySeconds: number,
  health: number,
  absence: Absence | null = null,
): Mood {
  if (absence !== null) return ABSENT[absence];
  const before = history[Math.max(0, history.length - 1 - Math.round(2 / everySeconds))] ?? health;
  if (health >= 0.93) return 'well';
  if (health < before - 0.02) return 'hurt';
  const peak = history.reduce((best, sample) => Math.max(best, sample), 0);
  if (health > before + STILL) return peak > health + 0.05 ? 'healing' : 'growing';
  return health >= 0.6 ? 'healing' : 'hurt';
}
