/** Entry of the probe thread: tries one rule and ends. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { createEngine } from '../engines/create.ts';
import type { Rule } from '../rules/rule.ts';
import { cachedGrower, type EngineFactory, MatureError } from './mature.ts';
import { matureFiles } from './matureFiles.ts';
import { filmGrowth, type Probe, rehearse } from './probe.ts';
import type { LoadedRule } from './ruleSlots.ts';
import { loadRule } from './startRules.ts';

export interface ProbeTask {
  /** The engine's name; it runs on one thread. */
  readonly engine: string;
  readonly rest: number;
  readonly dataDir: string;
  readonly rule: Rule;
  readonly species: string;
  readonly sha256: string;
  readonly label: string;
  /** The rule in force, whose grown body lives by the new rule in the rehearsal; null: no organism lives by it. */
  readonly now: Rule | null;
}

export type ProbeAnswer =
  /** `fault`: what the body of the rule in force suffered; null: nothing, or there was no such body. */
  | { readonly ok: true; readonly next: LoadedRule; readonly probe: Probe; readonly fault: string | null }
  | { readonly ok: false; readonly reason: string };

async function answer(task: ProbeTask): Promise<ProbeAnswer> {
  const factory: EngineFactory = async (options) => (await createEngine(task.engine, options)).engine;
  const grow = cachedGrower(matureFiles(join(task.dataDir, 'mature')), factory);
  try {
    const next = await loadRule(task, grow);
    const probe = await filmGrowth(next, factory);
    if (task.now === null) return { ok: true, next, probe, fault: null };
    const now = await loadRule({ ...task, rule: task.now, sha256: '', label: task.now.name }, grow);
    return { ok: true, next, probe, fault: await rehearse(now, next, factory, task.rest) };
  } catch (error) {
    if (error instanceof MatureError) return { ok: false, reason: error.message };
    throw error;
  }
}

parentPort!.postMessage(await answer(workerData as ProbeTask));
