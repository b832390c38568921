/** A world's journal and saves together, on a disk that fails at any operation: what was acknowledged is there. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Durability } from '../../server/storage/journal.ts';
import { Turns } from '../../server/turns.ts';
import { encodeEntry } from '../../server/world/acts.ts';
import { Recorder } from '../../server/world/recorder.ts';
import { Saver } from '../../server/world/saver.ts';
import type { SaveOptions } from '../../server/world/saving.ts';
import { RuinError, WorldFiles } from '../../server/world/worldFiles.ts';
import type { SavedMoment, WorldSave } from '../../server/world/worldSave.ts';
import { FakeDisk, type Verdict } from '../storage/fakeDisk.ts';
import { plainPage } from '../storage/pages.ts';
import { stateAt } from './smallState.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const FRAME_MS = 50;
const PAGES = 1;
const TURNS_PER_FRAME = 10;
/** Operations from one that fails to the next. 1 takes 14 s of processor time, and is for whoever changes saves. */
const EVERY = 5;

/** Pages of a world after so many acts: each act changes one of them. */
function pagesAt(acts: number): Map<number, number> {
  const pages = new Map<number, number>();
  for (let act = Math.max(1, acts - PAGES + 1); act <= acts; act++) pages.set(act % PAGES, act);
  return pages;
}

const open = (disk: FakeDisk, durability: Durability = 'flush'): Promise<WorldFiles> =>
  WorldFiles.open({ folder: '/data', durability, log: () => {}, disk });

/** A world that counts its acts, and its process. An entry says from which count it leads to which. */
class Life {
  acts = 0;
  acknowledged = 0;
  readonly disk: FakeDisk;
  readonly recorder: Recorder;
  readonly saver: Saver;
  readonly #files: WorldFiles;
  #nowMs = 0;
  /** As of the last entry. */
  #logged = 0;
  #isOverfull = false;
  readonly #turns = new Turns();

  constructor(disk: FakeDisk, files: WorldFiles, acts: number) {
    this.disk = disk;
    this.#files = files;
    this.acts = this.#logged = acts;
    const clock = { now: () => this.#nowMs, sleep: async () => {} };
    const life = this;
    const log = {
      take: (isForced: boolean) => this.#take(isForced),
      lose: () => {
        this.#isOverfull = true;
      },
      start: () => {
        this.#isOverfull = false;
        this.#logged = this.acts;
      },
      get hasActs() {
        return life.acts > life.#logged;
      },
      get isOverfull() {
        return life.#isOverfull;
      },
    };
    this.recorder = new Recorder(log, files, clock, files.isAfterGap);
    const world = { save: (options: SaveOptions) => this.#save(options) };
    const { recorder } = this;
    this.saver = new Saver({ world, store: files, recorder, clock, turns: this.#turns, pauseMs: 1 });
  }

  /** Plants a world, or wakes the one that is there. @throws Error when the disk does not let it */
  static async start(disk: FakeDisk, durability: Durability): Promise<Life> {
    const files = await open(disk, durability);
    if (files.state !== null) {
      const acts = await recovered(files);
      await files.begin('kernel');
      const life = new Life(disk, files, acts);
      for (const page of pagesAt(acts).keys()) life.#changed.add(page);
      return life;
    }
    const segment = await files.begin('kernel');
    const life = new Life(disk, files, 0);
    await files.write(life.#save({ ...STILL, atMoment: () => ({ segment, isAfterGap: false }) }));
    return life;
  }

  #take(isForced: boolean): Uint8Array | null {
    if (this.acts === this.#logged && !isForced) return null;
    const entry = encodeEntry({ acts: [], step: this.acts, runSeconds: this.#logged, nextId: 1 });
    this.#logged = this.acts;
    return entry;
  }

  #save({ between, atMoment, canKeep }: SaveOptions): WorldSave {
    let moment: SavedMoment;
    const pages = async () => {
      const { pages: _, ...facts } = stateAt(this.acts);
      const here = pagesAt(this.acts);
      const changed = [...here].filter(([page]) => !canKeep(page) || this.#changed.has(page));
      const kept = [...here.keys()].filter((page) => changed.every(([one]) => one !== page));
      moment = { facts, kept, gone: [], aside: [], ...atMoment() };
      return changed.map(([page, act]) => plainPage(page, act));
    };
    const savedAt = (): number => moment.facts.stepNumber;
    return {
      changed: (async function* () {
        yield* await between(pages);
      })(),
      changedCount: () => PAGES,
      moment: () => moment,
      written: () => {
        this.#changed.clear();
        for (let act = savedAt() + 1; act <= this.acts; act++) this.#changed.add(act % PAGES);
      },
    };
  }
  /** Pages that no save is known to hold. */
  readonly #changed = new Set<number>();

  /** Somebody acts, and waits for the disk. */
  act(): void {
    try {
      this.recorder.check();
    } catch {
      return;
    }
    void this.#turns.take(async () => {
      this.#happen();
      const { acts } = this;
      this.recorder
        .onDisk()
        .then(() => {
          this.acknowledged = Math.max(this.acknowledged, acts);
        })
        .catch(() => {});
      this.recorder.record();
    });
  }

  /** Something happens by itself: nobody waits for the disk. */
  #happen(): void {
    this.acts++;
    this.#changed.add(this.acts % PAGES);
  }

  lose(): void {
    this.#isOverfull = true;
  }

  async frame(): Promise<void> {
    this.#nowMs += FRAME_MS;
    await this.#turns.take(async () => {
      this.#happen();
      this.recorder.record();
      this.recorder.pass();
    });
    if (this.recorder.takeSaveDue()) void this.saver.save().catch(() => {});
    await vi.advanceTimersByTimeAsync(FRAME_MS);
    await turn();
  }

  async frames(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.frame();
  }

  /** Frames go on until it is done. */
  async until(done: Promise<unknown>): Promise<void> {
    let isDone = false;
    done.then(
      () => {
        isDone = true;
      },
      () => {
        isDone = true;
      },
    );
    while (!isDone) {
      for (let turns = 0; !isDone && turns < TURNS_PER_FRAME; turns++) await turn();
      // Pages are hashed and packed in other threads.
      if (!isDone) await sleep(1);
      await this.frame();
    }
  }

  close(): Promise<void> {
    return this.#files.close().catch(() => {});
  }
}

const STILL: Omit<SaveOptions, 'atMoment'> = {
  canKeep: () => false,
  between: (work) => work(),
  pause: async () => {},
  hasStopped: () => true,
};

/**
 * What a start makes of a disk.
 *
 * @returns how many acts
 * @throws Error when an entry does not follow from what is before it
 */
async function recovered(files: WorldFiles): Promise<number> {
  let acts = files.state!.stepNumber;
  const found = new Map<number, number>();
  for await (const { page, owners } of files.state!.pages) found.set(page, owners[0]);
  expect(found).toEqual(pagesAt(acts));
  for await (const { entry } of files.entries()) {
    if (entry.runSeconds !== acts) throw new Error(`act ${entry.runSeconds} follows act ${acts}`);
    acts = entry.step;
  }
  return acts;
}

/** What the newest save leads to, and what the one before leads to when the newest is unsound, or why that is refused. */
async function bothOf(disk: FakeDisk): Promise<{ newest: number; older: number | string | undefined }> {
  const newest = await recovered(await open(disk));
  if (!disk.has('world.regrow.1') || !disk.has('world.regrow')) return { newest, older: undefined };
  disk.put('world.regrow', Buffer.from('not a save'));
  try {
    return { newest, older: await recovered(await open(disk)) };
  } catch (error) {
    if (!(error instanceof RuinError)) throw error;
    return { newest, older: error.message };
  }
}

/** What a kill at this moment would leave. @returns how many acts are acknowledged by now */
async function check(life: Life, left: FakeDisk, acknowledgedBefore: number): Promise<number> {
  const acknowledged = Math.max(acknowledgedBefore, life.acknowledged);
  const { trouble } = life.recorder;
  const { newest, older } = await bothOf(left);
  expect(newest).toBeGreaterThanOrEqual(acknowledged);
  if (older !== undefined && trouble === null) expect(older).toBe(newest);
  return acknowledged;
}

interface Trouble {
  readonly judge: (at: number, path: string) => Verdict | null;
  readonly durability: Durability;
  /** The machine stops, and not only the process. */
  readonly isPowerCut: boolean;
  /** The first process is killed after so many saves. */
  readonly saves: number;
  /** Before the second save of each process, more happens than an entry holds. */
  readonly hasGap: boolean;
}

const NONE: Trouble = {
  judge: () => null,
  ...{ durability: 'flush', isPowerCut: false, saves: 3, hasGap: false },
};

/**
 * A world that is planted, played in and saved, its process killed and started again, and so on.
 *
 * @returns how many operations of the disk that took, and how many acts were acknowledged
 */
async function history(disk: FakeDisk, trouble: Trouble): Promise<{ count: number; acknowledged: number }> {
  let count = 0;
  let acknowledged = 0;
  let now = disk;
  for (const saves of [trouble.saves, 1]) {
    now.judge = (_operation, _name, path) => trouble.judge(count++, path);
    // A start that fails is tried again: nothing was acknowledged meanwhile.
    const life = await Life.start(now, trouble.durability).catch((error: Error) => {
      expect(error.message).not.toBe('');
      now = now.afterKill();
      return Life.start(now, trouble.durability);
    });
    expect(life.acts).toBeGreaterThanOrEqual(acknowledged);
    for (let save = 0; save < saves; save++) {
      life.act();
      await life.frames(2);
      await check(life, now.afterKill(), acknowledged);
      life.act();
      if (trouble.hasGap && save === 1) life.lose();
      await life.until(life.saver.save());
      await check(life, now.afterKill(), acknowledged);
      if (save === saves - 1 && saves < NONE.saves) break;
      life.act();
      await life.frames(3);
    }
    // Under durability 'os', nothing is promised about power cuts.
    const isCut = trouble.isPowerCut && trouble.durability === 'flush';
    const next = isCut ? now.afterPowerLoss() : now.afterKill();
    acknowledged = await check(life, next.afterKill(), acknowledged);
    now.judge = () => null;
    void life.close();
    await vi.advanceTimersByTimeAsync(10_000);
    now = next;
  }
  return { count, acknowledged };
}

const TROUBLES: readonly (readonly [Verdict, operations: number, of: RegExp])[] = [
  ['EIO', 1, /./],
  ['ENOSPC', 12, /./],
  ['lost EIO', 3, /./],
  ['EIO', 60, /journal/],
];

describe('what was acknowledged is there, and both saves lead to the present unless the world is in trouble, when the disk', () => {
  test('works', async () => {
    const { acknowledged } = await history(new FakeDisk(), NONE);
    expect(acknowledged).toBeGreaterThan(20);
  });

  test('fails at an operation, is full for a while, or does what it then says has failed', async () => {
    const { count } = await history(new FakeDisk(), NONE);
    for (let n = 0; n * EVERY < count; n++) {
      const at = n * EVERY;
      const [verdict, operations, of] = TROUBLES[n % TROUBLES.length];
      let left = operations;
      const trouble: Trouble = {
        judge: (operation, path) => (operation >= at && of.test(path) && left-- > 0 ? verdict : null),
        durability: n % 3 === 0 ? 'os' : 'flush',
        isPowerCut: n % 2 === 1,
        saves: 1 + (n % NONE.saves),
        hasGap: n % 5 === 0,
      };
      try {
        await history(new FakeDisk(at), trouble);
      } catch (error) {
        const how = JSON.stringify({ at, verdict, operations, of: String(of), ...trouble });
        throw new Error(`${how}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
