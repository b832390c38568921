/**
 * The nursery's server side: takes drawings, has them learned one after another by a process at the lowest priority, and
 * gives what has learned to the world. All that matters is in the registry's file and in the jobs' folders, so a killed
 * server goes on where it was: a drawing is learned once, and becomes one species.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import type { NurseryMode, SubmittedMessage } from '../../../shared/drawing/submission.ts';
import type { OwnDrawing } from '../../../shared/nursery.ts';
import { FAILED_CODE } from '../../background/lowProcess.ts';
import type { Config } from '../../config.ts';
import { type RuleFile, writeWhole } from '../../rules/load.ts';
import type { Actor } from '../../rules/registry.ts';
import { RegistryError } from '../../rules/registryFile.ts';
import { RuleError } from '../../rules/rule.ts';
import type { Prober } from '../../swaps/prober.ts';
import type { SwapDesk } from '../../swaps/swapDesk.ts';
import type { SwapOutcome, WorldLink } from '../../world/messages.ts';
import { MAX_SPECIES } from '../../world/ruleSlots.ts';
import { fileOf, type LearnJob, type LearnResult } from '../job.ts';
import { Bed } from './bed.ts';
import { Drawings } from './drawings.ts';
import type { DrawingRow } from './drawingTable.ts';
import { Estimate } from './estimate.ts';
import { Intake, type Maker } from './intake.ts';
import { JobFolders } from './jobFolders.ts';
import { forkLearning, LearningProcess } from './learningProcess.ts';
import { turnOrder } from './turnOrder.ts';

const MAX_FAILURES = 3;
/** Wait before another try. */
const LATER_MS = 15_000;
/** After this many tries to plant it, a rule is given up: 40 min. */
const MAX_PLANT_TRIES = 160;
/** A page that looks asks every few seconds; after this long without, nobody looks. */
const WATCHED_MS = 15_000;
const MAX_OWN = 12;

export interface NurseryOptions {
  readonly desk: Pick<SwapDesk, 'ask' | 'swap'>;
  readonly probe: Prober;
  readonly world: Pick<WorldLink, 'ask' | 'ready'>;
  readonly dataDir: string;
  readonly mode: NurseryMode;
  readonly threads: number;
  readonly maxSpecies: number;
  readonly maxWorldSpecies: number;
  /** Gets what the operator should read. */
  readonly log: (text: string) => void;
  /** Starts the process; tests replace it. */
  readonly spawn?: (folder: string) => ChildProcess;
  /** Added to every job; for tests. */
  readonly job?: Partial<LearnJob>;
  readonly laterMs?: number;
}

/** Hears of what guests should know. */
export interface NurseryAudience {
  /** Shows the guest a line. */
  tell(guest: string, text: string): void;
  /** One of the guest's drawings has changed. */
  drawingsOf(guest: string): void;
}

const NOBODY: NurseryAudience = { tell: () => {}, drawingsOf: () => {} };

export class Nursery {
  readonly drawings: Drawings;
  readonly bed: Bed;
  readonly folders: JobFolders;
  readonly estimate = new Estimate();
  audience: NurseryAudience = NOBODY;
  /** Whether it has something to learn has changed: the tuner makes room for it. */
  onBusy: (isBusy: boolean) => void = () => {};
  readonly #options: NurseryOptions;
  readonly #intake: Intake;
  #running: LearningProcess | null = null;
  /** The running process, or the last one. */
  #last: LearningProcess | null = null;
  /** The drawing whose rule is being planted. */
  #planting: number | null = null;
  #plantTries = 0;
  #isWorking = false;
  #isStopped = false;
  #isBusy = false;
  #cancelled: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** Somebody has looked within the last 15 s. */
  #isLooked = false;
  #unwatch: NodeJS.Timeout | undefined;
  #exited: (() => void) | null = null;

  constructor(options: NurseryOptions) {
    this.#options = options;
    this.folders = new JobFolders(options.dataDir, options.log);
    const { desk, probe, world, maxSpecies, maxWorldSpecies } = options;
    this.drawings = new Drawings((question) => desk.ask(question));
    const { drawings } = this;
    const left = (row: DrawingRow): void => this.#left(row);
    this.bed = new Bed({ drawings, desk, probe, world, maxSpecies, maxWorldSpecies, left });
    this.#intake = new Intake({
      drawings,
      mode: () => options.mode,
      noRoom: () => this.#noRoom(),
      taken: () => new Set(world.ready.species.map(({ name }) => name)),
      now: () => performance.now(),
    });
  }

  get mode(): NurseryMode {
    return this.#options.mode;
  }

  get maxSpecies(): number {
    return this.#options.maxSpecies;
  }

  /** The process of the drawing that is learned at the moment; null: none is. */
  get running(): LearningProcess | null {
    return this.#running ?? (this.#planting === null ? null : this.#last);
  }

  get isPlanting(): boolean {
    return this.#planting !== null;
  }

  /** Goes on with what an earlier server process left. */
  begin(): void {
    void this.#next();
  }

  // --- for guests ---

  /** @param message - of any type: it comes from a stranger */
  async submit(message: unknown, maker: Maker): Promise<SubmittedMessage> {
    const taken = await this.#intake.take(message, maker);
    if (!taken.ok) return { reason: taken.reason };
    const { row } = taken;
    this.#options.log(`"${row.name}" by ${maker.name} ${row.state === 'queued' ? 'waits' : 'awaits a word'}`);
    this.audience.drawingsOf(maker.guest);
    void this.#next();
    if (row.state === 'waiting') return { reason: null };
    const before = this.placeOf(row.id) ?? 0;
    return { reason: null, before, waitSeconds: this.waitSeconds(before) };
  }

  #noRoom(): string | null {
    const { world, maxSpecies, maxWorldSpecies } = this.#options;
    if (
      maxSpecies > 0 &&
      (this.drawings.in('ready').length > 0 || world.ready.species.length < maxWorldSpecies)
    )
      return null;
    return `The world has ${world.ready.species.length} species, and no room for another.`;
  }

  /** A guest takes a drawing back, before it has grown. Never rejects: they are told when it cannot be done now. */
  async withdraw(id: number, guest: string): Promise<void> {
    const row = this.drawings.byId(id);
    if (row?.guest !== guest || !['waiting', 'queued', 'learning'].includes(row.state)) return;
    if (this.#planting === id) return;
    try {
      await this.#over(row, 'withdrawn', '');
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      this.audience.tell(guest, 'The drawing cannot be taken back at the moment: try again in a minute.');
      this.audience.drawingsOf(guest);
    }
  }

  /** @throws RegistryError */
  async #over(
    row: DrawingRow,
    state: 'withdrawn' | 'refused',
    reason: string,
    note?: { readonly actor: Actor; readonly action: string },
  ): Promise<void> {
    const changed = await this.drawings.change(row.id, { state, reason }, note);
    if (this.#running?.id === row.id) {
      this.#cancelled = row.id;
      this.#running.pause();
    } else this.folders.drop(row.id);
    this.audience.drawingsOf(changed.guest);
    void this.#next();
  }

  /** A guest's drawings, newest first. */
  own(guest: string): OwnDrawing[] {
    const rows = this.drawings.all.filter((row) => row.guest === guest);
    return rows
      .slice(-MAX_OWN)
      .reverse()
      .map(({ id, name, drawing, state, reason, species }) => {
        const before = this.placeOf(id);
        const waitSeconds =
          before !== null ? this.waitSeconds(before) : state === 'learning' ? this.secondsLeft : null;
        const isThere = state === 'ready';
        return { id, name, drawing, state, reason, species: isThere ? species : null, before, waitSeconds };
      });
  }

  // --- the queue ---

  /** In the order of their turns. */
  get queue(): DrawingRow[] {
    const begun = this.drawings.all.filter((row) => row.begun !== '');
    return turnOrder(this.drawings.in('queued'), begun);
  }

  /** @returns how many come before it; null: it is not in the queue */
  placeOf(id: number): number | null {
    const place = this.queue.findIndex((row) => row.id === id);
    return place < 0 ? null : place;
  }

  waitSeconds(place: number): number {
    return this.estimate.wait(place, this.#progressNow);
  }

  /** Of the drawing that is learned at the moment; null: none is. */
  get secondsLeft(): number | null {
    const now = this.#progressNow;
    return now === null ? null : this.estimate.left(now.done, now.maxIterations);
  }

  get #progressNow(): { readonly done: number; readonly maxIterations: number } | null {
    if (this.#running === null) return null;
    const { iterations, maxIterations } = this.#running.progress ?? {
      iterations: 0,
      maxIterations: Infinity,
    };
    return { done: iterations, maxIterations };
  }

  // --- for admins ---

  /** @throws RuleError, RegistryError */
  async approve(id: number, actor: Actor): Promise<void> {
    const row = this.#waiting(id);
    await this.drawings.change(row.id, { state: 'queued' }, { actor, action: 'approve drawing' });
    this.audience.tell(row.guest, `${row.name} has been approved, and waits for its turn to be learned.`);
    this.audience.drawingsOf(row.guest);
    void this.#next();
  }

  /** @param reason - for the guest to read; may be empty @throws RuleError, RegistryError */
  async refuse(id: number, reason: string, actor: Actor): Promise<void> {
    const row = this.drawings.byId(id);
    if (row === undefined || !['waiting', 'queued', 'learning'].includes(row.state) || this.#planting === id)
      throw new RuleError(`drawing ${id} does not wait`);
    const told = reason.trim();
    await this.#over(row, 'refused', told || 'A moderator has refused it.', {
      actor,
      action: 'refuse drawing',
    });
    this.audience.tell(row.guest, `${row.name} will not be grown.${told && ` ${told}`}`);
  }

  /** Takes a species and all its bodies away. @throws RuleError, RegistryError, NoAnswerError */
  async remove(id: number, reason: string, actor: Actor): Promise<void> {
    const row = this.drawings.byId(id);
    if (row?.state !== 'ready') throw new RuleError(`drawing ${id} is no species of this world`);
    await this.bed.take(row, 'removed', reason.trim() || 'A moderator has removed it.', actor);
  }

  /** The world has given a rule up that it could not live by: its species, if it is new, is gone. Never rejects. */
  async swapEnded({
    species,
    verdict,
    reason,
  }: Pick<SwapOutcome, 'species' | 'verdict' | 'reason'>): Promise<void> {
    const row = this.drawings.in('ready').find((one) => one.species === species);
    if (row === undefined || verdict !== 'rolled back') return;
    if (this.#options.world.ready.species.some(({ name }) => name === species)) return;
    await this.#gone(row, reason);
  }

  async #gone(row: DrawingRow, reason: string): Promise<void> {
    try {
      const changed = await this.drawings.change(row.id, {
        state: 'withered',
        reason: `It could not live in the world: ${reason}`,
      });
      this.#left(changed);
      this.audience.tell(row.guest, `${row.name} could not live in the world: ${reason}.`);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      // The next start finds it out.
      this.#options.log(error.message);
    }
  }

  #waiting(id: number): DrawingRow {
    const row = this.drawings.byId(id);
    if (row?.state !== 'waiting') throw new RuleError(`drawing ${id} does not wait for a word`);
    return row;
  }

  /** A species has withered or was removed. */
  #left(row: DrawingRow): void {
    rmSync(this.folders.keptOf(row.id), { recursive: true, force: true });
    this.#options.log(`${row.species} has ${row.state}: ${row.reason}`);
    this.audience.drawingsOf(row.guest);
  }

  // --- one learning after another ---

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

  /** Never rejects: errors are logged and do not stop the server. */
  async #next(): Promise<void> {
    if (this.#isStopped || this.#isWorking || this.#running !== null) return;
    clearTimeout(this.#timer);
    this.#isWorking = true;
    let isAgain = false;
    try {
      if (!this.drawings.isLoaded) await this.#load();
      isAgain = await this.#work();
    } catch (error) {
      if (!(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError)
        throw error;
      this.#options.log(`${error.message}: tried again later`);
      this.#later();
    } finally {
      this.#isWorking = false;
      this.#tellBusy();
    }
    if (isAgain) void this.#next();
  }

  async #load(): Promise<void> {
    await this.drawings.load();
    for (const { result } of this.drawings.all) if (result !== null) this.estimate.ended(result.iterations);
    // A process may have been killed between the registry and the world.
    for (const row of this.drawings.in('withered', 'removed'))
      if (this.#options.world.ready.species.some(({ name }) => name === row.species))
        await this.bed.clear(row);
    for (const row of this.drawings.in('ready'))
      if (!this.#options.world.ready.species.some(({ name }) => name === row.species))
        await this.#gone(row, 'its rule was given up');
    const ids = (state: DrawingRow['state']) => this.drawings.in(state).map(({ id }) => id);
    this.folders.dropOrphans(ids('learning'), ids('ready'));
  }

  /** @returns whether there may be more to do at once */
  async #work(): Promise<boolean> {
    if (this.mode === 'off') return false;
    const [begun] = this.drawings.in('learning');
    const row = begun ?? this.queue[0];
    if (row === undefined) return false;
    const folder = this.folders.jobOf(row.id);
    const result = begun === undefined ? null : this.folders.resultOf(row.id);
    if (result !== null) return this.#conclude(row, result);
    const at = new Date().toISOString();
    if (begun === undefined) {
      await this.drawings.change(row.id, { state: 'learning', begun: at });
      this.audience.tell(row.guest, `The world begins to learn ${row.name}: watch it in the nursery.`);
      for (const { guest } of this.drawings.in('queued', 'learning')) this.audience.drawingsOf(guest);
    }
    const { threads, job = {}, spawn = forkLearning } = this.#options;
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
    if (this.#isStopped) return false;
    const running: LearningProcess = new LearningProcess(id, spawn(folder), {
      before: this.#last,
      onPass: (iterations, seconds) => this.estimate.pass(iterations, seconds),
      onEnd: (code) => void this.#ended(running, code),
    });
    this.#running = this.#last = running;
    if (this.#isLooked) running.watch(true);
    return false;
  }

  async #ended(running: LearningProcess, code: number | null): Promise<void> {
    if (this.#running !== running) return;
    this.#running = null;
    const { id, isPausing, lastWords } = running;
    const isCancelled = this.#cancelled === id;
    this.#cancelled = null;
    this.#tellBusy();
    this.#exited?.();
    if (isCancelled) this.folders.drop(id);
    else if (!isPausing && this.folders.resultOf(id) === null) await this.#failed(id, code, lastWords);
    else await this.#next();
    if (isCancelled) await this.#next();
  }

  async #failed(id: number, code: number | null, lastWords: string): Promise<void> {
    const row = this.drawings.byId(id);
    if (row === undefined) return;
    const why = lastWords || (code === null ? 'it was killed' : `code ${code}`);
    const failures = row.failures + 1;
    const isHopeless = code === FAILED_CODE || failures >= MAX_FAILURES;
    this.#options.log(
      `learning ${row.species} has failed: ${why}; ${isHopeless ? 'given up' : `tried again (${failures} of ${MAX_FAILURES})`}`,
    );
    try {
      await this.drawings.change(id, { failures });
      if (isHopeless) {
        await this.#over(row, 'refused', 'The world could not learn it.');
        this.audience.tell(row.guest, `The world could not learn ${row.name}.`);
        return;
      }
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      this.#options.log(error.message);
    }
    this.#later();
  }

  /** @returns whether there may be more to do at once */
  async #conclude(row: DrawingRow, result: LearnResult): Promise<boolean> {
    const { log } = this.#options;
    if (result.outcome === 'refused') {
      const lacks = result.lacks.join('; ');
      await this.drawings.change(row.id, { result });
      this.estimate.ended(result.iterations);
      await this.#over(row, 'refused', `What was learned cannot live: ${lacks}`);
      this.audience.tell(row.guest, `${row.name} cannot live as it is drawn: ${lacks}.`);
      log(`${row.species} is refused: ${lacks}`);
      return true;
    }
    this.#planting = row.id;
    try {
      const planted = await this.bed.plant(row, fileOf(this.folders.jobOf(row.id), 'rule'), result);
      if (!planted.ok) return await this.#notPlanted(row, planted);
    } finally {
      this.#planting = null;
    }
    this.#plantTries = 0;
    this.estimate.ended(result.iterations);
    this.folders.keep(row.id);
    this.folders.drop(row.id);
    const weakness = result.outcome === 'weak' ? ` It is not perfect: ${result.lacks.join('; ')}.` : '';
    this.audience.tell(row.guest, `${row.name} has been learned: plant it!${weakness}`);
    for (const { guest } of [row, ...this.drawings.in('queued')]) this.audience.drawingsOf(guest);
    log(`${row.species} is a species now${weakness}`);
    return true;
  }

  async #notPlanted(
    row: DrawingRow,
    { isFinal, reason }: { readonly isFinal: boolean; readonly reason: string },
  ): Promise<boolean> {
    if (!isFinal && ++this.#plantTries < MAX_PLANT_TRIES) {
      if (this.#plantTries === 1) this.#options.log(`${row.species} waits to be planted: ${reason}`);
      this.#later();
      return false;
    }
    this.#plantTries = 0;
    await this.#over(row, 'refused', `The world cannot take it: ${reason}`);
    this.audience.tell(row.guest, `The world cannot take ${row.name}: ${reason}.`);
    return true;
  }

  /** @throws RegistryError, RuleError */
  readRule(rule: number): Promise<RuleFile> {
    return this.#options.desk.ask((registry) => registry.read(rule));
  }

  // --- ---

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#next(), this.#options.laterMs ?? LATER_MS);
    this.#timer.unref();
  }

  #tellBusy(): void {
    const isBusy = this.#running !== null;
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    this.onBusy(isBusy);
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

/** The nursery of a server; `begin` starts it. */
export const startNursery = (
  config: Pick<Config, 'dataDir' | 'nursery' | 'nurseryThreads' | 'nurserySpecies'>,
  { desk, probe }: Pick<NurseryOptions, 'desk' | 'probe'>,
  world: NurseryOptions['world'],
  log: (text: string) => void,
  more: Partial<NurseryOptions> = {},
): Nursery =>
  new Nursery({
    desk,
    probe,
    world,
    dataDir: config.dataDir,
    mode: config.nursery,
    threads: config.nurseryThreads,
    maxSpecies: config.nurserySpecies,
    maxWorldSpecies: MAX_SPECIES,
    log: (text) => log(`nursery: ${text}`),
    ...more,
  });
