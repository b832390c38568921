/**
 * The nursery's server side, as guests, admins and the world meet it. A drawing is taken (`intake.ts`), waits
 * (`queue.ts`), is learned (`learnings.ts`), and becomes a species of the world (`bed.ts`).
 */
import type { ChildProcess } from 'node:child_process';
import type { NurseryMode, SubmittedMessage } from '../../../shared/drawing/submission.ts';
import type { OwnDrawing } from '../../../shared/nursery.ts';
import type { Config } from '../../config.ts';
import type { RuleFile } from '../../rules/load.ts';
import type { Actor } from '../../rules/registry.ts';
import { RegistryError } from '../../rules/registryFile.ts';
import { RuleError } from '../../rules/rule.ts';
import type { Prober } from '../../swaps/prober.ts';
import type { SwapDesk } from '../../swaps/swapDesk.ts';
import type { SwapOutcome, WorldLink } from '../../world/messages.ts';
import { MAX_SPECIES } from '../../world/ruleSlots.ts';
import type { LearnJob } from '../job.ts';
import { NOBODY, type NurseryAudience } from './audience.ts';
import { Bed } from './bed.ts';
import { DrawingMoved, Drawings } from './drawings.ts';
import { type DrawingRow, UNGROWN } from './drawingTable.ts';
import { Intake, type Maker } from './intake.ts';
import { JobFolders } from './jobFolders.ts';
import type { LearningProcess } from './learningProcess.ts';
import { Learnings } from './learnings.ts';
import { Queue } from './queue.ts';

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

export class Nursery {
  readonly drawings: Drawings;
  readonly bed: Bed;
  readonly folders: JobFolders;
  audience: NurseryAudience = NOBODY;
  /** Whether it has something to learn has changed: the tuner makes room for it. */
  onBusy: (isBusy: boolean) => void = () => {};
  readonly #options: NurseryOptions;
  readonly #intake: Intake;
  readonly #queue: Queue;
  readonly #learnings: Learnings;

  constructor(options: NurseryOptions) {
    this.#options = options;
    const { desk, world } = options;
    const drawings = new Drawings((question) => desk.ask(question));
    const folders = new JobFolders(options.dataDir, options.log);
    const audience = (): NurseryAudience => this.audience;
    const bed = new Bed({ ...options, drawings, folders, audience });
    const queue = new Queue(drawings, () => this.#learnings.running);
    const onBusy = (isBusy: boolean): void => this.onBusy(isBusy);
    this.#learnings = new Learnings({ ...options, drawings, queue, folders, bed, audience, onBusy });
    this.drawings = drawings;
    this.folders = folders;
    this.bed = bed;
    this.#queue = queue;
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
    return this.#learnings.shown;
  }

  /** Its rule is made, and the world has not taken it yet. */
  isPlanting(id: number): boolean {
    return this.#learnings.isPlanting(id);
  }

  /** In the order of their turns. */
  get queue(): DrawingRow[] {
    return this.#queue.rows;
  }

  /** @param place - in the queue; 0: it is next */
  waitSeconds(place: number): number {
    return this.#queue.waitSeconds(place);
  }

  /** For the drawing that is learned at the moment; null: none is. */
  get secondsLeft(): number | null {
    return this.#queue.secondsLeft;
  }

  /** Goes on with what an earlier server process left. */
  begin(): void {
    void this.#learnings.next();
  }

  // --- for guests ---

  /** @param message - of any type: it comes from a stranger */
  async submit(message: unknown, maker: Maker): Promise<SubmittedMessage> {
    const taken = await this.#intake.take(message, maker);
    if (!taken.ok) return { reason: taken.reason };
    const { row } = taken;
    this.#options.log(`"${row.name}" by ${maker.name} ${row.state === 'queued' ? 'waits' : 'awaits a word'}`);
    this.audience.drawingsOf(maker.guest);
    void this.#learnings.next();
    if (row.state === 'waiting') return { reason: null };
    const before = this.#queue.placeOf(row.id) ?? 0;
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

  /** A guest takes a drawing back, before it has grown. Never rejects: they are told when it cannot be done. */
  async withdraw(id: number, guest: string): Promise<void> {
    const row = this.drawings.byId(id);
    if (row?.guest !== guest) return;
    try {
      if (!this.#canEnd(row)) throw new DrawingMoved();
      await this.#learnings.end(row, 'withdrawn', '');
    } catch (error) {
      if (error instanceof DrawingMoved)
        this.audience.tell(guest, `${row.name} cannot be taken back any more.`);
      else if (error instanceof RegistryError)
        this.audience.tell(guest, 'The drawing cannot be taken back at the moment: try again in a minute.');
      else throw error;
      this.audience.drawingsOf(guest);
    }
  }

  /** A guest's drawings, newest first. */
  own(guest: string): OwnDrawing[] {
    const rows = this.drawings.all.filter((row) => row.guest === guest);
    return rows
      .slice(-MAX_OWN)
      .reverse()
      .map(({ id, name, drawing, state, reason, species }) => {
        const before = this.#queue.placeOf(id);
        const waitSeconds =
          before !== null ? this.waitSeconds(before) : state === 'learning' ? this.secondsLeft : null;
        const isThere = state === 'ready';
        return { id, name, drawing, state, reason, species: isThere ? species : null, before, waitSeconds };
      });
  }

  // --- for admins ---

  /** @throws RuleError, RegistryError */
  async approve(id: number, actor: Actor): Promise<void> {
    const row = this.#waiting(id);
    const note = { actor, action: 'approve drawing' };
    await this.drawings.change(row.id, ['waiting'], { state: 'queued' }, { note });
    this.audience.tell(row.guest, `${row.name} has been approved, and waits for its turn to be learned.`);
    this.audience.drawingsOf(row.guest);
    void this.#learnings.next();
  }

  /** @param reason - for the guest to read; may be empty @throws RuleError, RegistryError */
  async refuse(id: number, reason: string, actor: Actor): Promise<void> {
    const row = this.drawings.byId(id);
    if (row === undefined || !this.#canEnd(row)) throw new RuleError(`drawing ${id} does not wait`);
    const told = reason.trim();
    await this.#learnings.end(row, 'refused', told || 'A moderator has refused it.', {
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
    if (this.bed.has(row)) return;
    await this.bed.gone(row, reason);
  }

  /** It has not grown, and is not being planted. */
  #canEnd({ id, state }: DrawingRow): boolean {
    return UNGROWN.some((one) => one === state) && this.#learnings.planting !== id;
  }

  #waiting(id: number): DrawingRow {
    const row = this.drawings.byId(id);
    if (row?.state !== 'waiting') throw new RuleError(`drawing ${id} does not wait for a word`);
    return row;
  }

  /** @throws RegistryError, RuleError */
  readRule(rule: number): Promise<RuleFile> {
    return this.#options.desk.ask((registry) => registry.read(rule));
  }

  /** Somebody looks at the nursery now. */
  looked(): void {
    this.#learnings.looked();
  }

  /** Resolves when no process runs. */
  stop(): Promise<void> {
    return this.#learnings.stop();
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
