/** Where a server is killed: at a random instant, or aimed at what it writes. */
import { watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SmallDisk } from './smallDisk.ts';

const MIN_PLAY_MS = 200;
const MAX_PLAY_MS = 3_000;
/** An aim that is not met by then is missed: the server is killed at that instant. */
const MAX_AIM_MS = 6_000;
/** Share of the aims whose operation comes in the start: a start begins a segment, settles swaps and saves. */
const START_SHARE = 0.25;
const DOUBLE = new URL('double.ts', import.meta.url);

/** Printed by the double when the disk begins to fail. */
export const FAILS = 'double: the disk fails';

/** Files that the harness watches; the kill follows their change within milliseconds. */
const WATCHED = {
  'watched flush': /^journal-\d+\.log$/,
  'watched rename': /\.tmp$/,
  'watched save': /^pages-\d+\.pack$/,
  'watched registry': /^registry\.db-(wal|journal)$/,
} as const;

const [JOURNAL, PACK, MANIFEST] = [
  '^journal-\\d+\\.log$',
  '^pages-\\d+\\.pack$',
  '^world\\.regrow\\..*\\.tmp$',
];
const AROUND = ['before', 'after'] as const;

/** Operations in which the double kills: on which files, and how many of them a few seconds of play have. */
export const INSTANTS = {
  'journal begin': { op: 'open', of: JOURNAL, moments: AROUND, most: 3 },
  'journal write': { op: 'write', of: JOURNAL, moments: ['within', 'after'], most: 30 },
  'journal flush': { op: 'datasync', of: JOURNAL, moments: AROUND, most: 30 },
  /** Of what a failed write has left. */
  'journal cut': { op: 'tear', of: JOURNAL, moments: AROUND, most: 20 },
  'journal removal': { op: 'unlink', of: JOURNAL, moments: AROUND, most: 2 },
  'pack write': { op: 'write', of: PACK, moments: ['within', 'after'], most: 20 },
  'pack flush': { op: 'datasync', of: PACK, moments: AROUND, most: 2 },
  'pack removal': { op: 'unlink', of: PACK, moments: AROUND, most: 1 },
  'manifest write': { op: 'write', of: MANIFEST, moments: ['within', 'after'], most: 9 },
  'manifest flush': { op: 'datasync', of: MANIFEST, moments: AROUND, most: 2 },
  'save rename': { op: 'rename', of: '^world\\.regrow(\\.1)?$', moments: AROUND, most: 4 },
  'folder sync': { op: 'sync', of: '', moments: AROUND, most: 7 },
  'registry commit': { op: 'commit', of: '', moments: AROUND, most: 12 },
} as const;
type Instant = keyof typeof INSTANTS;

export type Kill =
  | { readonly kind: 'random'; readonly atMs: number }
  | { readonly kind: keyof typeof WATCHED; readonly atMs: number }
  /** `preload` kills. */
  | { readonly kind: Instant; readonly preload: string }
  /** `preload` lets operations fail. */
  | { readonly kind: 'EIO'; readonly preload: string; readonly atMs: number }
  | { readonly kind: 'full disk'; readonly fillMs: number; readonly fullMs: number; readonly frees: boolean };

const INSTANT_KINDS = Object.keys(INSTANTS) as Instant[];
const WATCHED_KINDS = Object.keys(WATCHED) as (keyof typeof WATCHED)[];
/** Every kind that needs no disk of its own. */
export const KINDS = ['random', 'EIO', ...WATCHED_KINDS, ...INSTANT_KINDS] as const;
/** Kinds come in turn, in a drawn order: these more often than once in a round. */
const AGAIN = ['random', 'random', 'EIO', 'EIO', 'journal write', 'journal flush'] as const;
export const KILLS_PER_ROUND = KINDS.length + AGAIN.length;
const FULL_SHARE = 0.6;

/** Deals kinds of kills so that every kind has come before one comes for the next round. */
export class KillPlan {
  readonly #draw: () => number;
  #left: (typeof KINDS)[number][] = [];

  /** @param draw - 0..1 */
  constructor(draw: () => number) {
    this.#draw = draw;
  }

  /** @param canFill - the data directory lies on a disk that can be filled */
  next(canFill: boolean): Kill {
    const draw = this.#draw;
    const atMs = MIN_PLAY_MS + draw() * (MAX_PLAY_MS - MIN_PLAY_MS);
    if (canFill && draw() < FULL_SHARE)
      return { kind: 'full disk', fillMs: atMs, fullMs: 100 + draw() * 2_500, frees: draw() < 0.4 };
    if (this.#left.length === 0) this.#left = [...KINDS, ...AGAIN];
    const [kind] = this.#left.splice(Math.floor(draw() * this.#left.length), 1);
    if (kind === 'random') return { kind, atMs };
    if (kind === 'EIO') {
      const query = { do: 'EIO', n: 20 + Math.floor(draw() * 60), forMs: Math.floor(draw() * 2_500) };
      return { kind, preload: doubleUrl(query), atMs: atMs + 1_000 };
    }
    if (kind in WATCHED) return { kind: kind as keyof typeof WATCHED, atMs: atMs / 2 };
    return this.#aimAt(kind as Instant);
  }

  #aimAt(kind: Instant): Kill {
    const draw = this.#draw;
    const { op, of, moments, most } = INSTANTS[kind];
    const isStart = draw() < START_SHARE;
    // A segment's first write is its preamble: a torn one is not cut, but written anew.
    const first = op === 'tear' ? 2 : 1;
    const n = first + Math.floor(draw() * (isStart ? Math.min(3, most) : most));
    const when = moments[Math.floor(draw() * moments.length)];
    const aim = { of, when, n };
    return { kind, preload: doubleUrl(op === 'tear' ? { do: op, ...aim } : { do: 'kill', op, ...aim }) };
  }
}

function doubleUrl(query: Readonly<Record<string, string | number>>): string {
  const url = new URL(DOUBLE);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}

export interface Victim {
  readonly isRunning: boolean;
  readonly ended: Promise<unknown>;
  /** Everything that it has printed. */
  readonly printed: string;
  kill(): void;
}

/**
 * Resolves when the server has ended; begins when it is ready.
 *
 * @param dataDir - watched
 * @param signal - aborted: killed at once
 * @returns whether it was killed where the kill was aimed at, or has ended by itself
 */
export async function carryOut(
  kill: Kill,
  server: Victim,
  dataDir: string,
  disk: SmallDisk | null,
  signal: AbortSignal,
): Promise<boolean> {
  const ended = server.ended.then(() => true as const);
  /** Whether it has ended by itself meanwhile. */
  const wait = (ms: number): Promise<boolean> =>
    Promise.race([ended, sleep(ms, false as const, { signal })]).catch(() => false);
  let isHit = true;
  switch (kill.kind) {
    case 'random':
      await wait(kill.atMs);
      break;
    case 'EIO':
      await wait(kill.atMs);
      isHit = server.printed.includes(FAILS);
      break;
    case 'full disk':
      isHit = !(await wait(kill.fillMs));
      if (!isHit) break;
      disk!.fill();
      if (await wait(kill.fullMs)) break;
      if (!kill.frees) break;
      disk!.free();
      await wait(kill.fullMs);
      break;
    case 'watched flush':
    case 'watched rename':
    case 'watched save':
    case 'watched registry': {
      isHit = false;
      if (await wait(kill.atMs)) break;
      const watcher = watch(dataDir, (_event, name) => {
        if (name === null || !WATCHED[kill.kind].test(name)) return;
        isHit ||= server.isRunning;
        server.kill();
      });
      await wait(MAX_AIM_MS);
      watcher.close();
      break;
    }
    default:
      isHit = await wait(MAX_AIM_MS);
  }
  server.kill();
  await ended;
  return isHit;
}
