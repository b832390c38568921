/**
 * One learning after another: the next drawing's process is started and watched, and what it has learned is given to the
 * world. All that matters is in the registry's file and in the jobs' folders, so a killed server goes on where it was.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { NurseryMode } from '../../../shared/drawing/submission.ts';
import { FAILED_CODE, UNWRITTEN_CODE } from '../../background/lowProcess.ts';
import { writeWhole } from '../../rules/load.ts';
import type { Actor } from '../../rules/registry.ts';
import { RegistryError } from '../../rules/registryFile.ts';
import { fileOf, type LearnJob, type LearnResult } from '../job.ts';
import type { NurseryAudience } from './audience.ts';
import type { Bed } from './bed.ts';
import { DrawingMoved, type Drawings } from './drawings.ts';
import { type DrawingRow, UNGROWN } from './drawingTable.ts';
import type { JobFolders } from './jobFolders.ts';
import { forkLearning, LearningProcess } from './learningProcess.ts';
import type { Queue } from './queue.ts';

const MAX_FAILURES = 3;
/** Wait before another try. */
const LATER_MS = 15_000;
/** After this many tries to plant it, a rule is given up: 40 min. */
const MAX_PLANT_TRIES = 160;
/** A page that looks asks every few seconds; after this long without, nobody looks. */
const WATCHED_MS = 15_000;

export interface LearningsOptions {
  readonly drawings: Drawings;
  readonly queue: Queue;
  readonly folders: JobFolders;
  readonly bed: Bed;
  readonly audience: () => NurseryAudience;
  /** Whether there is something to learn has changed. */
  readonly onBusy: (isBusy: boolean) => void;
  readonly mode: NurseryMode;
  readonly threads: number;
  readonly log: (text: string) => void;
  readonly spawn?: (folder: string) => ChildProcess;
  readonly job?: Partial<LearnJob>;
  readonly laterMs?: number;
}

export class Learnings {
  readonly #options: LearningsOptions;
  #running: LearningProcess | null = null;
  /** The running process, or the last one. */
  #last: LearningProcess | null = null;
  /** The drawing whose rule is being planted. */
  #planting: number | null = null;
  /** The drawing that the world did not take yet, and how often; null: there is none. */
  #untaken: { readonly id: number; readonly tries: number } | null = null;
  #isWorking = false;
  #isStopped = false;
  #isBusy = false;
  #cancelled: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** Somebody has looked within the last 15 s. */
  #isLooked = false;
  #unwatch: NodeJS.Timeout | undefined;
  #exited: (() => void) | null = null;

  constructor(options: LearningsOptions) {
    this.#options = options;
  }

  /** The process that learns at the moment; null: none does. */
  get running(): LearningProcess | null {
    return this.#running;
  }

  /** The last process, also while its rule is planted; null: nothing is learned or planted. */
  get shown(): LearningProcess | null {
    return this.#running ?? (this.#planting === null ? null : this.#last);
  }

  /** The drawing whose rule is being planted; null: none is. */
  get planting(): number | null {
    return this.#planting;
  }

  /** Its rule is made, and the world has not taken it yet. */
  isPlanting(id: number): boolean {
    return this.#planting === id || this.#untaken?.id === id;
  }

  get #audience(): NurseryAudience {
    return this.#options.audience();
  }

  /** Goes on, if there is something to do. Never rejects: errors are logged and do not stop the server. */
  async next(): Promise<void> {
    if (this.#isStopped || this.#isWorking || this.#running !== null) return;
    clearTimeout(this.#timer);
    this.#isWorking = true;
    let isAgain = false;
    try {
      if (!this.#options.drawings.isLoaded) await this.#load();
      isAgain = await this.#work();
    } catch (error) {
      if (!(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError)
        throw error;
      if (!(error instanceof DrawingMoved)) this.#options.log(`${error.message}: tried again later`);
      this.#later();
    } finally {
      this.#isWorking = false;
      this.#tellBusy();
    }
    if (isAgain) void this.next();
  }

  async #load(): Promise<void> {
    const { drawings, queue, bed, folders } = this.#options;
    await drawings.load();
    for (const { result } of drawings.all) if (result !== null) queue.estimate.ended(result.iterations);
    await bed.matchWorld();
    const ids = (state: DrawingRow['state']) => drawings.in(state).map(({ id }) => id);
    folders.dropOrphans(ids('learning'), ids('ready'));
  }

  /** @returns whether there may be more to do at once */
  async #work(): Promise<boolean> {
    const { mode, drawings, queue, folders } = this.#options;
    if (mode === 'off') return false;
    const [begun] = drawings.in('learning');
    const row = begun ?? queue.rows[0];
    if (row === undefined) return false;
    const result = begun === undefined ? null : folders.resultOf(row.id);
    if (result !== null) return this.#conclude(row, result);
    const at = new Date().toISOString();
    if (begun === undefined) {
      await drawings.change(row.id, ['queued'], { state: 'learning', begun: at });
      this.#audience.tell(row.guest, `The world begins to learn ${row.name}: watch it in the nursery.`);
      for (const { guest } of drawings.in('queued', 'learning')) this.#audience.drawingsOf(guest);
    }
    this.#start(row);
    return false;
  }

  /** Starts the process, which goes on from what an earlier one has left in the folder. */
  #start(row: DrawingRow): void {
    const { folders, queue, threads, job = {}, spawn = forkLearning } = this.#options;
    const folder = folders.jobOf(row.id);
    const { id, species, name: title, maker, drawing } = row;
    const wanted: LearnJob = {
      format: 1,
      id,
      species,
      title,
      maker,
      drawing,
      threads,
      randomSeed: id,
      ...job,
    };
    mkdirSync(folder, { recursive: true });
    writeWhole(fileOf(folder, 'job'), JSON.stringify(wanted));
    if (this.#isStopped) return;
    const running: LearningProcess = new LearningProcess(id, spawn(folder), {
      before: this.#last,
      onPass: (iterations, seconds) => queue.estimate.pass(iterations, seconds),
      log: (text) => this.#options.log(`learning ${species}: ${text}`),
      onEnd: (code) => void this.#ended(running, code),
    });
    this.#running = this.#last = running;
    if (this.#isLooked) running.watch(true);
  }

  async #ended(running: LearningProcess, code: number | null): Promise<void> {
    if (this.#running !== running) return;
    this.#running = null;
    const { folders } = this.#options;
    const { id, isPausing, lastWords } = running;
    const isCancelled = this.#cancelled === id;
    this.#cancelled = null;
    this.#tellBusy();
    this.#exited?.();
    if (isCancelled) folders.drop(id);
    else if (!isPausing && folders.resultOf(id) === null) await this.#failed(id, code, lastWords);
    else await this.next();
    if (isCancelled) await this.next();
  }

  async #failed(id: number, code: number | null, lastWords: string): Promise<void> {
    const { drawings, log } = this.#options;
    const row = drawings.byId(id);
    if (row === undefined) return;
    const why = lastWords || (code === null ? 'it was killed' : `code ${code}`);
    if (code === UNWRITTEN_CODE) {
      log(`learning ${row.species} waits for the disk: ${why}`);
      this.#later();
      return;
    }
    const failures = row.failures + 1;
    const isHopeless = code === FAILED_CODE || failures >= MAX_FAILURES;
    log(
      `learning ${row.species} has failed: ${why}; ${isHopeless ? 'given up' : `tried again (${failures} of ${MAX_FAILURES})`}`,
    );
    try {
      await drawings.change(id, ['learning'], { failures });
      if (isHopeless) {
        await this.end(row, 'refused', 'The world could not learn it.');
        this.#audience.tell(row.guest, `The world could not learn ${row.name}.`);
        return;
      }
    } catch (error) {
      // Its maker has just taken it back.
      if (error instanceof DrawingMoved) {
        await this.next();
        return;
      }
      if (!(error instanceof RegistryError)) throw error;
      log(error.message);
    }
    this.#later();
  }

  /** @returns whether there may be more to do at once */
  async #conclude(row: DrawingRow, result: LearnResult): Promise<boolean> {
    const { drawings, queue, folders, bed, log } = this.#options;
    if (result.outcome === 'refused') {
      const lacks = result.lacks.join('; ');
      await drawings.change(row.id, ['learning'], { result });
      queue.estimate.ended(result.iterations);
      await this.end(row, 'refused', `What was learned cannot live: ${lacks}`);
      this.#audience.tell(row.guest, `${row.name} cannot live as it is drawn: ${lacks}.`);
      log(`${row.species} is refused: ${lacks}`);
      return true;
    }
    this.#planting = row.id;
    try {
      const planted = await bed.plant(row, fileOf(folders.jobOf(row.id), 'rule'), result);
      if (!planted.ok) return await this.#notPlanted(row, planted);
    } finally {
      this.#planting = null;
    }
    this.#untaken = null;
    queue.estimate.ended(result.iterations);
    folders.keep(row.id);
    folders.drop(row.id);
    const weakness = result.outcome === 'weak' ? ` It is not perfect: ${result.lacks.join('; ')}.` : '';
    this.#audience.tell(row.guest, `${row.name} has been learned: plant it!${weakness}`);
    for (const { guest } of [row, ...drawings.in('queued')]) this.#audience.drawingsOf(guest);
    log(`${row.species} is a species now${weakness}`);
    return true;
  }

  async #notPlanted(
    row: DrawingRow,
    { isFinal, reason }: { readonly isFinal: boolean; readonly reason: string },
  ): Promise<boolean> {
    const tries = 1 + (this.#untaken?.id === row.id ? this.#untaken.tries : 0);
    if (!isFinal && tries < MAX_PLANT_TRIES) {
      this.#untaken = { id: row.id, tries };
      if (tries === 1) this.#options.log(`${row.species} waits to be planted: ${reason}`);
      this.#later();
      return false;
    }
    this.#untaken = null;
    await this.end(row, 'refused', `The world cannot take it: ${reason}`);
    this.#audience.tell(row.guest, `The world cannot take ${row.name}: ${reason}.`);
    return true;
  }

  /** Ends what is no species yet; a process that learns it ends, too. @throws DrawingMoved, RegistryError */
  async end(
    row: DrawingRow,
    state: 'withdrawn' | 'refused',
    reason: string,
    note?: { readonly actor: Actor; readonly action: string },
  ): Promise<void> {
    const { drawings, folders } = this.#options;
    const changed = await drawings.change(row.id, UNGROWN, { state, reason }, { ...(note && { note }) });
    if (this.#running?.id === row.id) {
      this.#cancelled = row.id;
      this.#running.pause();
    } else folders.drop(row.id);
    this.#audience.drawingsOf(changed.guest);
    void this.next();
  }

  /** Somebody looks at the nursery now. */
  looked(): void {
    this.#running?.watch(true);
    clearTimeout(this.#unwatch);
    this.#isLooked = true;
    this.#unwatch = setTimeout(() => {
      this.#isLooked = false;
      this.#running?.watch(false);
    }, WATCHED_MS);
    this.#unwatch.unref();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.next(), this.#options.laterMs ?? LATER_MS);
    this.#timer.unref();
  }

  #tellBusy(): void {
    const isBusy = this.#running !== null;
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    this.#options.onBusy(isBusy);
  }

  /** Resolves when no process runs. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#unwatch);
    if (this.#running === null) return;
    const exited = new Promise<void>((resolve) => {
      this.#exited = resolve;
    });
    this.#running.pause();
    await exited;
  }
}
