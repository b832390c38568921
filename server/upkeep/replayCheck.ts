/**
 * Replays a data directory on the wasm engine: from the save before the newest up to the newest, which must be equal
 * to the bit, and from the newest to the end of the journal.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { copyFile, readdir, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, PageState } from '../engines/engine.ts';
import { createWasmEngine } from '../engines/wasm/engine.ts';
import { isMissing } from '../files/disk.ts';
import { REGISTRY_FILE } from '../rules/registryFile.ts';
import { JournalReader } from '../storage/journalReader.ts';
import { holderOf } from '../storage/lock.ts';
import { segmentName } from '../storage/segment.ts';
import { cachedGrower } from '../world/mature.ts';
import { matureFiles } from '../world/matureFiles.ts';
import { WorldMismatchError } from '../world/recall.ts';
import { type JournalEntry, ReplayError } from '../world/replay.ts';
import { entryOf, type Facts, kernelOf, type SegmentFacts, stateIn } from '../world/savedFiles.ts';
import { startRules } from '../world/startRules.ts';
import { World } from '../world/world.ts';
import { copyDatabase, UpkeepError } from './copying.ts';
import { identityOf, isWorldFile, type SaveSurvey, surveyWorld, type WorldSurvey } from './worldSurvey.ts';

export interface ReplayVerdict {
  /** What was compared, or why it could not be. */
  readonly notes: readonly string[];
  /** Each names the file and the fact. */
  readonly faults: readonly string[];
}

/** How often files are copied again because a server has changed them. */
const MAX_TRIES = 20;

/**
 * @param found - a survey of the folder, without faults
 * @param weightsDir - the rules that the server ships
 */
export async function checkReplay(
  folder: string,
  found: WorldSurvey,
  weightsDir: string,
): Promise<ReplayVerdict> {
  // The registry is brought up to date at a start: here, a copy of it.
  const scratch = mkdtempSync(join(tmpdir(), 'regrow-verify-'));
  try {
    const isHeld = holderOf(folder) !== null;
    // A server removes files while the steps are taken.
    if (isHeld) await copyWorldFiles(folder, scratch);
    await copyDatabase(join(folder, REGISTRY_FILE), join(scratch, REGISTRY_FILE));
    if (existsSync(join(folder, 'mature')))
      cpSync(join(folder, 'mature'), join(scratch, 'mature'), { recursive: true });
    const survey = isHeld ? await surveyWorld(scratch, true) : found;
    const { notes, faults } = await new Check(isHeld ? scratch : folder, scratch, weightsDir).run(survey);
    const named = (text: string): string => text.replaceAll(scratch, folder);
    return { notes: notes.map(named), faults: faults.map(named) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Both saves, their pages, and the journal, as they are together. */
async function copyWorldFiles(folder: string, target: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const before = await identityOf(folder);
    try {
      for (const name of await readdir(folder))
        if (isWorldFile(name)) await copyFile(join(folder, name), join(target, name));
      if ((await identityOf(folder)) === before) return;
    } catch (error) {
      if (!isMissing(error as Error)) throw error;
    }
    if (tries >= MAX_TRIES) throw new UpkeepError(`${folder} changes too often to be copied: try again`);
    for (const name of await readdir(target)) await unlink(join(target, name));
  }
}

class Check {
  readonly #folder: string;
  readonly #dataDir: string;
  readonly #weightsDir: string;
  readonly #notes: string[] = [];
  readonly #faults: string[] = [];

  constructor(folder: string, dataDir: string, weightsDir: string) {
    this.#folder = folder;
    this.#dataDir = dataDir;
    this.#weightsDir = weightsDir;
  }

  async run({ saves, before, from }: WorldSurvey): Promise<ReplayVerdict> {
    const [newest, previous] = saves;
    const verdict = { notes: this.#notes, faults: this.#faults };
    if (from === null) return verdict;
    if (before === null)
      this.#notes.push('there are not two saves with a journal between them: none was compared');
    else if (before.afterGap.length > 0)
      this.#notes.push(`the journal has a gap before ${newest.path}: it was not compared`);
    else await this.#compare(previous, newest);
    await this.#attempt(from, from.saved!.journal, async () => {});
    return verdict;
  }

  async #compare(previous: SaveSurvey, newest: SaveSurvey): Promise<void> {
    const wanted = await stateIn(newest.saved!);
    const { stepNumber: step, runSeconds, nextId } = wanted;
    // Read before the replay, during which a running server may remove them.
    const pages: PageState[] = [];
    for await (const page of wanted.pages) pages.push(page);
    const last = { entry: { acts: [], step, runSeconds, nextId }, pages: [] };
    const first = previous.saved!.journal;
    await this.#attempt(
      previous,
      first,
      async (engine, kernels) => {
        kernels.delete(kernelOf(engine));
        if (kernels.size > 0) {
          this.#notes.push(
            `${newest.path} was stepped by another kernel (${[...kernels].join('; ')}): not compared`,
          );
          return;
        }
        const different = differentPages((await engine.save()).pages, pages);
        if (different.length === 0)
          this.#notes.push(`${newest.path} follows from the save before it, to the bit, at step ${step}`);
        else
          this.#faults.push(
            `${newest.path}: pages ${different.join(', ')} are not what the save before it and the journal lead to`,
          );
      },
      { end: newest.saved!.journal, last },
    );
  }

  /** Restores a save, replays the journal, and lets `look` compare. */
  async #attempt(
    save: SaveSurvey,
    first: number,
    look: (engine: Engine, kernels: Set<string>) => Promise<void>,
    until?: { readonly end: number; readonly last: JournalEntry },
  ): Promise<void> {
    const { width, height, randomSeed } = save.facts as Facts;
    const start = await startRules(
      { dataDir: this.#dataDir, weightsDir: this.#weightsDir },
      cachedGrower(matureFiles(join(this.#dataDir, 'mature')), createWasmEngine),
    );
    const engine = await createWasmEngine({ width, height, randomSeed, maxPages: 2 ** 20 });
    const kernels = new Set<string>();
    try {
      const entries = this.#entries(first, kernels, until);
      const { notes } = await new World(engine, start.rules).restore(
        await stateIn(save.saved!),
        start.recall,
        entries,
      );
      if (notes.length > 0) this.#faults.push(`${save.path}: ${notes.join('; ')}`);
      else await look(engine, kernels);
    } catch (error) {
      if (!(error instanceof ReplayError || error instanceof WorldMismatchError)) throw error;
      this.#faults.push(
        `the journal from ${segmentName(first)} on does not fit ${save.path}: ${error.message}`,
      );
    } finally {
      engine.dispose();
      start.close();
    }
  }

  async *#entries(
    first: number,
    kernels: Set<string>,
    until?: { readonly end: number; readonly last: JournalEntry },
  ): AsyncGenerator<JournalEntry> {
    for await (const { seq, at, record, facts } of new JournalReader(this.#folder, first).entries()) {
      if (until !== undefined && seq >= until.end) break;
      kernels.add((facts as SegmentFacts).kernel);
      yield entryOf(record, join(this.#folder, segmentName(seq)), at);
    }
    if (until !== undefined) yield until.last;
  }
}

/** Indices of pages that have an owned cell on either side and are not equal. */
function differentPages(got: readonly PageState[], wanted: readonly PageState[]): number[] {
  const livingOf = (pages: readonly PageState[]): Map<number, PageState> =>
    new Map(
      pages.filter(({ owners }) => owners.some((owner) => owner !== 0)).map((page) => [page.page, page]),
    );
  const [a, b] = [livingOf(got), livingOf(wanted)];
  const bytes = (values: Float32Array | Uint16Array): Buffer =>
    Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((page) => {
      const [one, other] = [a.get(page), b.get(page)];
      return !(
        one !== undefined &&
        other !== undefined &&
        bytes(one.cells).equals(bytes(other.cells)) &&
        bytes(one.owners).equals(bytes(other.owners))
      );
    })
    .sort((one, other) => one - other);
}
