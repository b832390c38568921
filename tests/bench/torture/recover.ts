/** What a server would make of a data directory, found out in this process on a copy. */
import { readdirSync } from 'node:fs';
import type { Config } from '../../../server/config.ts';
import { createWasmEngine } from '../../../server/engines/wasm/engine.ts';
import { SanctionTable } from '../../../server/guests/sanctionTable.ts';
import { Registry, type SwapStatus } from '../../../server/rules/registry.ts';
import type { Rule } from '../../../server/rules/rule.ts';
import { JournalReader } from '../../../server/storage/journalReader.ts';
import { JournalError, segmentsAmong } from '../../../server/storage/segment.ts';
import { decodeEntry } from '../../../server/world/acts.ts';
import { growMature, type MatureForm } from '../../../server/world/mature.ts';
import type { SwapOutcome } from '../../../server/world/messages.ts';
import type { OrganismRecord } from '../../../server/world/organismRecord.ts';
import { startRules } from '../../../server/world/startRules.ts';
import { World } from '../../../server/world/world.ts';
import { WorldFiles } from '../../../server/world/worldFiles.ts';
import { type Facts, factsOf } from '../../world/facts.ts';
import { stateOf } from '../../world/wholeWorld.ts';
import { type Event, Lived } from './lived.ts';

const BUSY_MS = 1_000;

export interface Recovered {
  readonly facts: Facts;
  /** Of the save that it begins with. */
  readonly savedStep: number;
  /** The save before that one does not lead to it. */
  readonly isAfterGap: boolean;
  readonly step: number;
  readonly organisms: ReadonlyMap<number, OrganismRecord>;
  /** Organisms that a start finds dead. */
  readonly died: ReadonlySet<number>;
  /** Numbers of the swaps that are watched. */
  readonly watched: readonly number[];
  /** Swaps as the registry has them once it follows the journal. */
  readonly registry: ReadonlyMap<number, SwapStatus>;
  /** Ids of the mutes and bans that the registry has in force. */
  readonly sanctions: ReadonlySet<string>;
}

const grown = new Map<string, Promise<MatureForm>>();

/** Mature forms are kept: rules of the same name and weights come again at every kill. */
function grow(rule: Rule): Promise<MatureForm> {
  const key = `${rule.name} ${Buffer.from(rule.w2.buffer).toString('base64')}`;
  const known = grown.get(key) ?? growMature(rule, createWasmEngine);
  grown.set(key, known);
  return known;
}

/**
 * The world of the newest save in a folder and the journal since. The folder's registry is changed as a start would.
 *
 * @returns null when there is no save
 * @throws Error when a server would refuse to start
 */
export async function recover(folder: string, config: Config, threads = 1): Promise<Recovered | null> {
  const files = await WorldFiles.open({ folder, durability: 'os', log: () => {} });
  if (files.state === null) return null;
  const savedStep = files.state.stepNumber;
  const start = await startRules({ ...config, dataDir: folder }, grow, await files.swaps());
  const { width, height, randomSeed, maxPages, rest } = config;
  const engine = await createWasmEngine({ width, height, randomSeed, maxPages, rest, threads });
  try {
    const world = new World(engine, start.rules);
    await world.restore(files.state, start.recall, files.entries());
    const { acts } = decodeEntry(world.log.take(true)!).entry;
    const { organisms } = await stateOf(world);
    return {
      facts: await factsOf(world),
      savedStep,
      isAfterGap: files.isAfterGap,
      step: engine.stepNumber,
      organisms: new Map(organisms.map((one) => [one.id, one])),
      died: new Set(acts.flatMap(([, act]) => (act.act === 'gone' ? [act.organism] : []))),
      watched: world.swaps.ids,
      ...inRegistry(folder),
    };
  } finally {
    start.close();
    engine.dispose();
  }
}

function inRegistry(folder: string): Pick<Recovered, 'registry' | 'sanctions'> {
  const registry = new Registry(folder, BUSY_MS);
  try {
    return {
      registry: new Map(registry.swaps().map(({ id, status }) => [id, status])),
      sanctions: new Set(new SanctionTable(registry).load().map(({ id }) => id)),
    };
  } finally {
    registry.close();
  }
}

/** What a journal says that was done. */
export interface Evidence {
  /** `kind radius step` of every perturbation. */
  readonly perturbations: ReadonlySet<string>;
  /** `kind radius` of the same. */
  readonly radii: ReadonlySet<string>;
  /** Every organism that was planted, by `x y plantedStep`. */
  readonly planted: ReadonlyMap<string, OrganismRecord>;
  readonly gone: ReadonlySet<number>;
  readonly watched: ReadonlySet<number>;
  readonly outcomes: ReadonlyMap<number, SwapOutcome>;
  readonly entries: number;
  /** What organisms lived through since the world's step `since`. */
  readonly lived: ReadonlyMap<Event, number>;
  /** A tail was torn. */
  readonly isTorn: boolean;
}

/** Segments are missing where a save has overtaken a journal whose disk failed. */
export const isGap = (error: unknown): boolean =>
  error instanceof JournalError && /is missing|were dropped when the disk failed/.test(error.message);

/** Every record of a journal, across gaps; some come twice then, in the same order. */
async function* recordsIn(folder: string, seqs: readonly number[]): AsyncGenerator<Uint8Array, boolean> {
  for (const [i, seq] of seqs.entries()) {
    const reader = new JournalReader(folder, seq);
    try {
      for await (const { record } of reader.entries()) yield record;
      return reader.notes.length > 0;
    } catch (error) {
      if (!isGap(error) || i === seqs.length - 1) throw error;
    }
  }
  return false;
}

/**
 * @param folder - with all segments from some number on
 * @param since - the world as it was before some of them; null: they are a world's first
 * @throws JournalError
 */
export async function evidenceIn(
  folder: string,
  since: Pick<Recovered, 'step' | 'organisms'> | null = null,
): Promise<Evidence> {
  const lived = new Lived(since?.organisms.values() ?? []);
  const perturbations = new Set<string>();
  const radii = new Set<string>();
  const planted = new Map<string, OrganismRecord>();
  const gone = new Set<number>();
  const watched = new Set<number>();
  const outcomes = new Map<number, SwapOutcome>();
  let entries = 0;
  const records = recordsIn(folder, segmentsAmong(readdirSync(folder)));
  let next = await records.next();
  for (; next.done !== true; next = await records.next()) {
    entries++;
    const record = next.value;
    for (const [step, act] of decodeEntry(record).entry.acts) {
      if (since === null || step > since.step) lived.take(act);
      if (act.act === 'perturb') {
        const { kind } = act.perturbation;
        const capsules = act.perturbation.kind === 'noise' ? act.perturbation.capsules : [act.perturbation];
        for (const { radius } of capsules) {
          perturbations.add(`${kind} ${radius} ${step}`);
          radii.add(`${kind} ${radius}`);
        }
      } else if (act.act === 'organism') {
        const { x, y, plantedStep, id } = act.record;
        planted.set(`${x} ${y} ${plantedStep}`, act.record);
        gone.delete(id);
      } else if (act.act === 'gone') gone.add(act.organism);
      else if (act.act === 'swaps') for (const { order } of act.swaps) watched.add(order.id);
      else if (act.act === 'outcome') outcomes.set(act.outcome.id, act.outcome);
    }
  }
  return {
    perturbations,
    radii,
    planted,
    gone,
    watched,
    outcomes,
    entries,
    lived: lived.counts,
    isTorn: next.value,
  };
}
