/**
 * The order of a step's phases. A page holds a delta record from when it is sensed until its deltas are applied, and
 * they may be applied once all its neighbours are sensed. With a delta record for every awake page, a step is three
 * phases. With fewer, pages are sensed in waves, in reading order, and applied behind them. The result is the same.
 */
import * as at from './assembly/layout.ts';

/** A phase over the awake pages first..end - 1. */
export interface Phase {
  readonly kind: number;
  readonly first: number;
  readonly end: number;
}

/**
 * The fewest delta records with which waves never stall: a row of pages, the next page, and the page itself. More
 * records make waves longer.
 *
 * @param across - pages in a row of the world
 */
export const leastDeltaRecords = (across: number): number => across + 2;

/** Threads meet after each wave, so waves must not be short: one of 512 pages takes tens of milliseconds. */
const WAVE_PAGES = 512;

/** The default number of delta records. @param maxPages - how many pages can be awake */
export const deltaRecordsFor = (maxPages: number, across: number): number =>
  Math.min(maxPages, leastDeltaRecords(across) + WAVE_PAGES);

/** The phases when every awake page has a delta record. */
export const atOnce = (awake: number): Phase[] => [
  { kind: at.PHASE_SENSE, first: 0, end: awake },
  { kind: at.PHASE_APPLY, first: 0, end: awake },
  { kind: at.PHASE_SETTLE, first: 0, end: awake },
];

/**
 * The phases when there are fewer delta records than awake pages; page i holds record i modulo `records`.
 *
 * @param indices - row-major page indices of the awake pages, ascending
 * @param records - at least `leastDeltaRecords`
 */
export function inWaves(indices: ArrayLike<number>, across: number, records: number): Phase[] {
  const awake = indices.length;
  const phases: Phase[] = [];
  let sensed = 0;
  let applied = 0;
  while (applied < awake) {
    const first = sensed;
    sensed = Math.min(awake, applied + records);
    if (sensed > first) phases.push({ kind: at.PHASE_SENSE, first, end: sensed });
    const start = applied;
    // The furthest neighbour in reading order is the one below and to the right.
    const next = sensed < awake ? indices[sensed] : Number.POSITIVE_INFINITY;
    while (applied < sensed && indices[applied] + across + 1 < next) applied++;
    phases.push({ kind: at.PHASE_APPLY, first: start, end: applied });
  }
  phases.push({ kind: at.PHASE_SETTLE, first: 0, end: awake });
  return phases;
}
