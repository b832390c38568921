/** Probes rules, each in a thread of its own that then ends: one at a time, with a time limit. */
import { Worker } from 'node:worker_threads';
import type { Rule } from '../rules/rule.ts';
import { Turns } from '../turns.ts';
import type { ProbeAnswer, ProbeTask } from '../world/probeWorker.ts';

/** Growing a body of 512 x 512 cells with the largest rule takes about a minute on one core. */
const MAX_PROBE_MS = 90_000;
/** Largest number of probes that wait. */
const MAX_WAITING = 8;
/** Results kept: a rule that was just looked at is swapped without a second probe. */
const MAX_KEPT = 16;
/** Megabytes of JavaScript heap per probe; the engine's memory is bounded by its grid. */
const HEAP_MB = 256;

export interface ProbeRequest {
  readonly rule: Rule;
  readonly species: string;
  readonly sha256: string;
  readonly label: string;
  /** The rule in force that bodies live by; null: none do. */
  readonly now: { readonly rule: Rule; readonly sha256: string } | null;
}

export type Prober = (request: ProbeRequest) => Promise<ProbeAnswer>;

export interface ProbeSettings {
  readonly engine: string;
  readonly rest: number;
  readonly dataDir: string;
}

/** @returns the prober; it rejects when too many probes wait, or a probe takes too long */
export function makeProber(settings: ProbeSettings, probeMs = MAX_PROBE_MS): Prober {
  const kept = new Map<string, ProbeAnswer>();
  let waiting = 0;
  const turns = new Turns();
  // The GPU is left to the world; a body of a few hundred cells grows quickly without one.
  const engine = settings.engine === 'reference' ? 'reference' : 'wasm';
  return async (request) => {
    const key = `${request.species} ${request.sha256} ${request.now?.sha256 ?? ''}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    if (waiting >= MAX_WAITING) throw new Error(`${MAX_WAITING} rules wait to be probed: try again later`);
    waiting++;
    try {
      const answer = await turns.take(() =>
        runProbe({ ...settings, ...request, engine, now: request.now?.rule ?? null }, probeMs),
      );
      kept.set(key, answer);
      if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
      return answer;
    } finally {
      waiting--;
    }
  };
}

function runProbe(task: ProbeTask, probeMs: number): Promise<ProbeAnswer> {
  const thread = new Worker(new URL('../world/probeWorker.ts', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  return new Promise<ProbeAnswer>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the probe of ${task.label} took more than ${probeMs / 1_000} s`)),
      probeMs,
    );
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the probe of ${task.label} ended with code ${code}`)));
    thread.once('exit', () => clearTimeout(timer));
  }).finally(() => thread.terminate());
}
