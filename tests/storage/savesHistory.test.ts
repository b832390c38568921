/** Saves over random histories: pages come, change, stay and go; operations fail; processes and power are lost. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SaveError, Saves } from '../../server/storage/saves.ts';
import { FakeDisk, KilledError, type Trouble, type Verdict } from './fakeDisk.ts';
import { type Contents, contentsOf, noOldSave, orderOf, plainPage } from './pages.ts';

const PAGES = 6;
const CONTENTS = 5;

interface Act {
  /** Page → its new content, or null: it goes. */
  readonly changes: readonly (readonly [page: number, content: number | null])[];
  readonly trouble: Trouble | null;
  /** What happens after the write; a killed process is restarted in any case. */
  readonly after: 'go on' | 'restart' | 'power cut';
  /** The caller forgets what the write called changed, though it failed. */
  readonly forgets: boolean;
}

const page = fc.nat(PAGES - 1);
const content = fc.option(fc.integer({ min: 1, max: CONTENTS }), { freq: 4 });
const trouble = fc.record({
  at: fc.nat(26),
  verdict: fc.constantFrom<Verdict>('ENOSPC', 'EIO', 'lost ENOSPC', 'lost EIO', 'kill'),
});
const act: fc.Arbitrary<Act> = fc.record({
  changes: fc.array(fc.tuple(page, content), { maxLength: 4 }),
  trouble: fc.option(trouble, { freq: 2 }),
  after: fc.constantFrom('go on', 'go on', 'restart', 'power cut'),
  forgets: fc.boolean(),
});

/** A disk, the saves on it, and what they must hold. */
class History {
  disk: FakeDisk;
  #saves: Saves;
  #world = new Map<number, number>();
  /** Of every write that was tried, by number, what it should have saved. */
  readonly #tried: Contents[] = [];
  /** The last write that succeeded, or that a process has read; -1: none. */
  #held = -1;
  #heldBefore = -1;
  /** Pages that were given new contents since then. */
  #dirty = new Set<number>();

  constructor(randomSeed: number) {
    this.disk = new FakeDisk(randomSeed);
    this.#saves = this.#open(this.disk);
  }

  #open = (disk: FakeDisk): Saves => new Saves('data', { readOld: noOldSave, files: disk });

  async begin(): Promise<void> {
    await this.#saves.read();
  }

  async play({ changes, trouble, after, forgets }: Act): Promise<void> {
    for (const [page, content] of changes) {
      if (content === null) this.#world.delete(page);
      else this.#world.set(page, content);
      this.#dirty.add(page);
    }
    const hasFailed = !(await this.#write(trouble));
    const isCut = after === 'power cut';
    if (this.disk.isKilled || after !== 'go on') await this.#restart(isCut);
    else if (hasFailed && forgets) await this.#forget();
    await this.#check(!hasFailed);
  }

  async #write(trouble: Trouble | null): Promise<boolean> {
    const tried = this.#tried.push(new Map(this.#world)) - 1;
    const kept = [...this.#world.keys()].filter((page) => !this.#dirty.has(page));
    const changed = [...this.#world].filter(([page]) => this.#dirty.has(page));
    this.disk.expect(trouble);
    try {
      await this.#saves.write(
        orderOf({
          facts: tried,
          journal: tried,
          changed: changed.map(([page, content]) => plainPage(page, content)),
          kept,
        }),
      );
    } catch (error) {
      if (!(error instanceof SaveError)) throw error;
      if (!this.disk.isKilled) expect(trouble?.verdict).toContain(error.code);
      else expect(error.cause).toBeInstanceOf(KilledError);
      return false;
    } finally {
      this.disk.expect(null);
    }
    this.#heldBefore = this.#held;
    this.#held = tried;
    this.#dirty.clear();
    return true;
  }

  async #restart(isCut: boolean): Promise<void> {
    this.disk = isCut ? this.disk.afterPowerLoss() : this.disk.afterKill();
    this.#saves = this.#open(this.disk);
    const restored = await this.#saves.read();
    expect(this.#held < 0 || restored.saved !== null).toBe(true);
    if (restored.saved === null) {
      this.#world.clear();
    } else {
      const tried = restored.saved.facts as number;
      expect(tried).toBeGreaterThanOrEqual(this.#held);
      this.#world = await contentsOf(restored);
      expect(this.#world).toEqual(this.#tried[tried]);
      this.#held = tried;
    }
    this.#dirty.clear();
  }

  /** A caller that has forgotten which pages are dirty is refused, and nothing stale is saved. */
  async #forget(): Promise<void> {
    const held = this.#held < 0 ? new Map<number, number>() : this.#tried[this.#held];
    const stale = [...this.#dirty].filter((page) => held.has(page) && this.#world.has(page));
    if (stale.length === 0) return;
    await expect(
      this.#saves.write(orderOf({ facts: null, journal: 0, changed: [], kept: stale })),
    ).rejects.toThrow('cannot be kept');
  }

  /** Both saves read back as what their writes were given. */
  async #check(isSure: boolean): Promise<void> {
    for (const file of ['world.regrow', 'world.regrow.1']) {
      const copy = this.disk.afterKill();
      if (file === 'world.regrow.1') copy.drop('world.regrow');
      const restored = await this.#open(copy).read();
      if (restored.saved === null) {
        expect(file === 'world.regrow' ? this.#held : isSure ? this.#heldBefore : -1).toBe(-1);
        continue;
      }
      const tried = restored.saved.facts as number;
      expect(await contentsOf(restored)).toEqual(this.#tried[tried]);
      if (file === 'world.regrow') expect(tried).toBeGreaterThanOrEqual(this.#held);
      if (file === 'world.regrow' && isSure) expect(restored.notes).toEqual([]);
    }
  }
}

test('whatever fails at any moment, both saves read back exactly, and none is lost', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 2, maxLength: 8 }), fc.nat(), async (acts, randomSeed) => {
      const history = new History(randomSeed);
      await history.begin();
      for (const one of acts) await history.play(one);
    }),
    { seed: 18, numRuns: 120 },
  );
});
