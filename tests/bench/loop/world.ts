/**
 * A world without cells: the real tuner with its real process, over a real registry. A candidate that passes is swapped in
 * at once, as `--tuner auto` does, without the probe and the watch of a world.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { parseRule } from '../../../server/rules/format.ts';
import { type RuleFile, readRuleFile } from '../../../server/rules/load.ts';
import { Registry } from '../../../server/rules/registry.ts';
import type { Rule } from '../../../server/rules/rule.ts';
import type { SessionRecord } from '../../../server/sessions/record.ts';
import { Tuner } from '../../../server/tuner/tuner.ts';
import type { AttemptTold } from '../../../shared/adminApi.ts';

const POLL_MS = 100;
/** Linux counts processor time in hundredths of a second. */
const TICK_SECONDS = 0.01;

export interface LoopOptions {
  readonly folder: string;
  readonly iterations: number;
  readonly threads: number;
  readonly randomSeeds?: number;
  /** Starts the tuning process on a job's folder. */
  readonly spawn: (folder: string) => ChildProcess;
  readonly log: (line: string) => void;
}

export interface Learned {
  readonly attempt: AttemptTold;
  readonly minutes: number;
  /** Of the tuning process; NaN where `/proc` does not tell. */
  readonly processorMinutes: number;
  /** Of the rule that was made, if it was entered. */
  readonly metrics: Readonly<Record<string, unknown>>;
}

export class LoopWorld {
  readonly #registry: Registry;
  readonly #tuner: Tuner;
  readonly #species: string;
  #processorSeconds = 0;

  constructor(file: string, { folder, log, spawn, ...options }: LoopOptions) {
    mkdirSync(folder, { recursive: true });
    this.#registry = new Registry(folder, 2_000);
    const shipped: RuleFile = readRuleFile(file);
    this.#species = shipped.rule.name;
    this.#registry.enterShipped([shipped]);
    const registry = this.#registry;
    this.#tuner = new Tuner({
      desk: {
        ask: async (question) => question(registry),
        swap: async (wanted, actor) => {
          const { id } = registry.wantSwap(wanted, actor);
          registry.settle(id, 'in force', '', actor);
          return { ok: true, swap: id, organisms: 0 };
        },
      },
      dataDir: folder,
      mode: 'auto',
      engine: 'wasm',
      log,
      spawn: (job) => this.#watched(spawn(job)),
      ...options,
    });
  }

  /** Counts the processor time of a process. */
  #watched(child: ChildProcess): ChildProcess {
    let last = 0;
    const look = (): void => {
      const seconds = processorSeconds(child.pid);
      if (!(seconds > last)) return;
      this.#processorSeconds += seconds - last;
      last = seconds;
    };
    const timer = setInterval(look, POLL_MS);
    child.once('exit', () => clearInterval(timer));
    return child;
  }

  /** Ends a session, and waits for the attempt that follows. @returns null: there was none */
  async learn(record: SessionRecord): Promise<Learned | null> {
    const [last] = this.#tuner.view.attempts;
    const started = performance.now();
    const before = this.#processorSeconds;
    this.#tuner.sessionEnded(record);
    while (this.#tuner.view.state !== 'idle') await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const [attempt] = this.#tuner.view.attempts;
    if (attempt === undefined || attempt === last) return null;
    const made = this.#registry.rules().find(({ name, version }) => `${name} v${version}` === attempt.label);
    return {
      attempt,
      minutes: (performance.now() - started) / 60_000,
      processorMinutes: (this.#processorSeconds - before) / 60,
      metrics: made?.metrics ?? {},
    };
  }

  /** The rule in force. */
  get rule(): Rule {
    const record = this.#registry.inForce().get(this.#species);
    if (record === undefined) throw new Error(`${this.#species} has no rule in force`);
    return parseRule(this.#registry.read(record.id).bytes);
  }

  get promoted(): number {
    return this.#registry.inForce().get(this.#species)?.version ?? 0;
  }

  async close(): Promise<void> {
    await this.#tuner.stop();
    this.#registry.close();
  }
}

/** User and system time, all threads. */
function processorSeconds(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_SECONDS;
  } catch {
    return Number.NaN;
  }
}
