/** Where a server is killed: at a random instant, or aimed at what it writes. */
import { watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SmallDisk } from './smallDisk.ts';

const MIN_PLAY_MS = 200;
const MAX_PLAY_MS = 3_000;
/** An aim that is not met by then becomes a random instant. */
const MAX_AIM_MS = 4_500;
const DOUBLE = new URL('double.ts', import.meta.url);

/** Files that the harness watches; the kill follows their change within milliseconds. */
const WATCHED = {
  'watched flush': /^journal-\d+\.log$/,
  'watched rename': /\.tmp$/,
  'watched save': /^pages-\d+\.pack$/,
  'watched registry': /^registry\.db-(wal|journal)$/,
} as const;

/** Operations in which the double kills, with how many of them a few seconds of play have. */
const IN_PROCESS = [
  ['write', ['within', 'after'], 30],
  ['datasync', ['before', 'after'], 30],
  ['rename', ['before', 'after'], 6],
  ['sync', ['before', 'after'], 12],
  ['open', ['before', 'after'], 14],
  ['unlink', ['before', 'after'], 5],
  ['truncate', ['before', 'after'], 1],
  ['commit', ['before', 'after'], 12],
] as const;

export type Kill =
  | { readonly kind: 'random'; readonly atMs: number }
  | { readonly kind: keyof typeof WATCHED; readonly atMs: number }
  /** `preload` kills. */
  | { readonly kind: 'in write' | 'in operation' | 'in start' | 'in registry'; readonly preload: string }
  /** `preload` lets operations fail. */
  | { readonly kind: 'EIO'; readonly preload: string; readonly atMs: number }
  | { readonly kind: 'full disk'; readonly fillMs: number; readonly fullMs: number; readonly frees: boolean };

/** @param draw - 0..1 */
export function planKill(draw: () => number, canFill: boolean): Kill {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)];
  const atMs = MIN_PLAY_MS + draw() * (MAX_PLAY_MS - MIN_PLAY_MS);
  if (canFill && draw() < 0.6)
    return { kind: 'full disk', fillMs: atMs, fullMs: 100 + draw() * 2_500, frees: draw() < 0.4 };
  const share = draw();
  if (share < 0.2) return { kind: 'random', atMs };
  if (share < 0.5) return { kind: pick(Object.keys(WATCHED) as (keyof typeof WATCHED)[]), atMs: atMs / 2 };
  if (share < 0.6)
    return {
      kind: 'EIO',
      preload: doubleUrl({ do: 'EIO', n: 20 + Math.floor(draw() * 60), forMs: Math.floor(draw() * 2_500) }),
      atMs: atMs + 1_000,
    };
  const [op, moments, most] = pick(IN_PROCESS);
  // A start begins a segment, settles swaps and saves: small numbers fall into it.
  const isStart = draw() < 0.25;
  const n = 1 + Math.floor(draw() * (isStart ? Math.min(3, most) : most));
  const preload = doubleUrl({ do: 'kill', op, when: pick(moments), n });
  if (isStart) return { kind: 'in start', preload };
  if (op === 'commit') return { kind: 'in registry', preload };
  return { kind: op === 'write' ? 'in write' : 'in operation', preload };
}

function doubleUrl(query: Readonly<Record<string, string | number>>): string {
  const url = new URL(DOUBLE);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}

interface Victim {
  readonly isRunning: boolean;
  readonly ended: Promise<unknown>;
  kill(): void;
}

/**
 * Resolves when the server has ended; begins when it is ready.
 *
 * @param dataDir - watched
 * @param signal - aborted: killed at once
 */
export async function carryOut(
  kill: Kill,
  server: Victim,
  dataDir: string,
  disk: SmallDisk | null,
  signal: AbortSignal,
): Promise<void> {
  const ended = server.ended.then(() => true as const);
  /** Whether it has ended by itself meanwhile. */
  const wait = (ms: number): Promise<boolean> =>
    Promise.race([ended, sleep(ms, false as const, { signal })]).catch(() => false);
  switch (kill.kind) {
    case 'random':
    case 'EIO':
      await wait(kill.atMs);
      break;
    case 'in write':
    case 'in operation':
    case 'in start':
    case 'in registry':
      await wait(MAX_AIM_MS);
      break;
    case 'full disk':
      if (await wait(kill.fillMs)) break;
      disk!.fill();
      if (await wait(kill.fullMs)) break;
      if (!kill.frees) break;
      disk!.free();
      await wait(kill.fullMs);
      break;
    default: {
      if (await wait(kill.atMs)) break;
      const watcher = watch(dataDir, (_event, name) => {
        if (name !== null && WATCHED[kill.kind].test(name)) server.kill();
      });
      await wait(MAX_AIM_MS);
      watcher.close();
    }
  }
  server.kill();
  await ended;
}
