import { beforeAll, describe, expect, test } from 'vitest';
import { MAX_RULES } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { growMature } from '../../server/world/mature.ts';
import type { SwapOrder, SwapOutcome } from '../../server/world/messages.ts';
import type { LoadedRule } from '../../server/world/ruleSlots.ts';
import { VERDICT_STEPS, WATCH_STEPS } from '../../server/world/swapWatch.ts';
import { blobRule } from './blob.ts';
import { doer } from './doer.ts';
import { brush, loadBlob, makeWorld, type SmallWorld, stroke } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

const RED = 0;
const ALPHA = 3;
/** 5 s at 30 steps per second. */
const FIVE_SECONDS = 150;

let blob: LoadedRule;
beforeAll(async () => {
  blob = await loadBlob();
});

/** A rule of a few connections: [from, sign, to, weight] per hidden unit, and biases of the outputs. */
function wired(
  name: string,
  units: readonly (readonly [from: number, sign: number, to: number, weight: number])[],
  bias: Readonly<Record<number, number>> = {},
): Rule {
  const hidden = Math.max(4, Math.ceil(units.length / 4) * 4);
  const w1 = new Float32Array(hidden * PERCEPTION);
  const w2 = new Float32Array(16 * hidden);
  const b2 = new Float32Array(16);
  for (const [unit, [from, sign, to, weight]] of units.entries()) {
    w1[unit * PERCEPTION + from] = sign;
    w2[to * hidden + unit] = weight;
  }
  for (const [output, value] of Object.entries(bias)) b2[Number(output)] = value;
  return { name, hidden, w1, b1: new Float32Array(hidden), w2, b2, fireRate: 0.5, metadata: {} };
}

/** Loads the rule as if it grew a blob, unless another form is given. */
const loaded = (rule: Rule, mature = blob.mature): LoadedRule => ({
  rule,
  mature,
  card: { ...blob.card, name: 'blob', thumbnail: `data:,${rule.name}` },
  sha256: rule.name,
  label: `${rule.name} v2`,
});

/** The blob in another colour: no body of the old rule is whole by this measure. */
function recoloured(): LoadedRule['mature'] {
  const rgba = blob.mature.rgba.slice();
  for (let i = 0; i < rgba.length; i += 4) [rgba[i], rgba[i + 2]] = [-rgba[i + 3], rgba[i + 3]];
  return { ...blob.mature, rgba };
}

interface Watched extends SmallWorld {
  readonly outcomes: SwapOutcome[];
  /** Runs this many steps, in frames of one or two. */
  live(steps: number): Promise<void>;
  swap(order: Partial<SwapOrder>, next: LoadedRule): ReturnType<SmallWorld['world']['swap']>;
  plant(x: number, y: number): Promise<void>;
}

/** Grown blobs. */
async function grown(...seeds: [x: number, y: number][]): Promise<Watched> {
  // Hundreds of steps per test: on the fast engine.
  const small = await makeWorld(128, 64, ['blob'], createWasmEngine);
  const { world, engine } = small;
  const outcomes: SwapOutcome[] = [];
  world.swaps.onOutcome = (outcome) => outcomes.push(outcome);
  let swaps = 0;
  const watched: Watched = {
    ...small,
    outcomes,
    async live(steps) {
      for (let left = steps; left > 0; left -= 2) {
        await engine.step(Math.min(2, left));
        await world.observe(2 / 30);
      }
    },
    swap: (order, next) =>
      world.swap({ id: ++swaps, species: 'blob', scope: 'species', who: 'Ann', ...order }, next),
    async plant(x, y) {
      const outcome = world.queueStroke(doer('Ann'), {
        id: 1,
        tool: 'plant',
        radius: 1,
        points: [x, y],
        species: 'blob',
      });
      await world.applyStrokes();
      expect(await outcome).toMatchObject({ ok: true });
    },
  };
  for (const [x, y] of seeds) await watched.plant(x, y);
  await watched.live(60);
  return watched;
}

const labels = ({ world }: SmallWorld): (string | undefined)[] =>
  world.organisms.ids().map((id) => world.overview.inspect(id)?.rule);
const health = ({ world }: SmallWorld): number[] => world.overview.summaries().map((one) => one.health);

const good = () => loaded({ ...blobRule('good'), fireRate: 0.75 });
const dying = () => loaded(wired('dying', [], { [ALPHA]: -0.2 }));
const growing = () => loaded(wired('growing', [], { [ALPHA]: 0.3 }));
const bursting = () => loaded(wired('bursting', [[RED, 1, RED, 3e38]]));
const still = () => loaded(wired('still', []), recoloured());
const flickering = () =>
  loaded(
    wired('flickering', [
      [RED, 1, RED, -2],
      [RED, -1, RED, 2],
    ]),
    recoloured(),
  );

describe('a swap', () => {
  test('touches no cell, and the species lives by the new rule from the next step on', async () => {
    const small = await grown([30, 30], [60, 30]);
    const before = await small.engine.save();
    const answer = await small.swap({}, good());
    expect(answer).toEqual({ ok: true, step: before.stepNumber, organisms: 2 });
    const after = await small.engine.save();
    expect(after.pages).toEqual(before.pages);
    expect(after.stepNumber).toBe(before.stepNumber);
    expect(after.organisms.map(({ id }) => id)).toEqual(before.organisms.map(({ id }) => id));
    expect(after.organisms.map(({ rule }) => rule)).not.toEqual(before.organisms.map(({ rule }) => rule));
    expect(labels(small)).toEqual(['good v2', 'good v2']);
    // 20 s at 30 steps per second.
    await small.live(590);
    expect(small.outcomes).toEqual([]);
    await small.live(10);
    expect(small.outcomes).toMatchObject([{ id: 1, verdict: 'in force', rule: 'good v2', reason: '' }]);
    expect(health(small).every((one) => one > 0.9)).toBe(true);
  });

  test('of one organism is a canary: the others stay, and what is planted is as before', async () => {
    const small = await grown([30, 30], [60, 30]);
    expect(await small.swap({ scope: 'organism', organism: 2 }, good())).toMatchObject({ organisms: 1 });
    await small.plant(90, 30);
    expect(labels(small)).toEqual(['blob v1', 'good v2', 'blob v1']);
    expect(small.world.rules.cards[0].thumbnail).toBe(blob.card.thumbnail);
  });

  test('of all planted from now on leaves the living as they are', async () => {
    const small = await grown([30, 30]);
    let cards = 0;
    small.world.onSpecies = () => cards++;
    expect(await small.swap({ scope: 'planted' }, good())).toMatchObject({ ok: true, organisms: 0 });
    await small.plant(60, 30);
    expect(labels(small)).toEqual(['blob v1', 'good v2']);
    expect([cards, small.world.rules.cards[0].thumbnail]).toEqual([1, 'data:,good']);
  });

  test('to a rule with a new name makes a species that can be planted', async () => {
    const small = await grown([30, 30]);
    const moss = { ...good(), card: { ...blob.card, name: 'moss' } };
    expect(await small.swap({ species: 'moss' }, moss)).toMatchObject({ ok: true, organisms: 0 });
    expect(small.world.rules.cards.map(({ name }) => name)).toEqual(['blob', 'moss']);
  });

  test('is marked in the health plot for a minute', async () => {
    const small = await grown([30, 30]);
    await small.swap({}, good());
    await small.live(30);
    const [mark, ...more] = small.world.overview.inspect(1)!.marks;
    expect(mark).toEqual({ label: 'good v2', agoSeconds: expect.closeTo(1, 5) });
    expect(more).toEqual([]);
  });

  test.each([
    [{ scope: 'organism', organism: 9 }, 'organism 9 is not alive, or is not of species blob'],
    [
      { scope: 'organism', organism: 1, species: 'moss' },
      'organism 1 is not alive, or is not of species moss',
    ],
    [{ scope: 'planted', species: 'moss' }, 'there is no species moss yet: swap all of it'],
  ] as const)('%j is refused with the reason, and changes nothing', async (order, reason) => {
    const small = await grown([30, 30]);
    const before = await small.engine.save();
    expect(await small.swap(order, good())).toEqual({ ok: false, reason });
    expect(await small.engine.save()).toEqual(before);
    await small.live(WATCH_STEPS);
    expect(small.outcomes).toEqual([]);
  });

  test('that the engine cannot take is refused, and changes nothing', async () => {
    const small = await grown([30, 30]);
    const before = await small.engine.save();
    const torn = loaded({ ...blobRule('torn'), w1: new Float32Array(3) });
    expect(await small.swap({}, torn)).toEqual({ ok: false, reason: expect.stringContaining('w1 has 3') });
    expect(await small.engine.save()).toEqual(before);
    expect(labels(small)).toEqual(['blob v1']);
  });

  test('repeated many times needs no more slots; canaries of several organisms do, up to a bound', async () => {
    const small = await grown([30, 30], [60, 30]);
    for (let n = 0; n < MAX_RULES + 50; n++)
      expect(await small.swap({}, loaded({ ...blobRule(`r${n}`) }))).toMatchObject({ ok: true });
    const used = new Set((await small.engine.save()).organisms.map(({ rule }) => rule));
    expect(Math.max(...used)).toBeLessThan(4);
    expect(small.outcomes.every(({ verdict }) => verdict === 'superseded')).toBe(true);
    expect(small.outcomes).toHaveLength(MAX_RULES + 49);
  });
});

describe('a rule that cannot live with the bodies it is given goes back within five seconds:', () => {
  async function rolledBack(next: LoadedRule): Promise<Watched> {
    const small = await grown([30, 30], [60, 30]);
    expect(await small.swap({}, next)).toMatchObject({ ok: true });
    for (let step = 0; step < FIVE_SECONDS && small.outcomes.length === 0; step += 2) await small.live(2);
    expect(small.outcomes).toMatchObject([{ verdict: 'rolled back', who: 'Ann' }]);
    expect(labels(small)).toEqual(['blob v1', 'blob v1']);
    expect(small.world.rules.cards[0].thumbnail).toBe(blob.card.thumbnail);
    return small;
  }

  test('one that dies, while something is left to heal from', async () => {
    const small = await rolledBack(dying());
    expect(small.outcomes[0].reason).toMatch(/^it dies: \d+ of \d+ cells are left$/);
    await small.live(120);
    expect(labels(small)).toEqual(['blob v1', 'blob v1']);
    expect(Math.min(...health(small))).toBeGreaterThan(0.9);
  });

  test('one that dies at once: every organism gets its body back', async () => {
    const small = await grown([30, 30], [60, 30]);
    const before = await small.engine.save();
    await small.swap({}, loaded({ ...wired('sudden', [], { [ALPHA]: -50 }), fireRate: 1 }));
    await small.live(2);
    expect(small.outcomes).toMatchObject([{ verdict: 'rolled back' }]);
    const after = await small.engine.save();
    expect(after.pages).toEqual(before.pages);
    expect(after.organisms).toEqual(before.organisms);
    const seen: number[] = [];
    await small.engine.visitChanged((page) => seen.push(page));
    expect(seen.sort()).toEqual(before.pages.map(({ page }) => page).sort());
    await small.live(60);
    expect(Math.min(...health(small))).toBeGreaterThan(0.9);
  });

  test('one that ran over its neighbours: its old bodies come back, and the neighbours keep their cells', async () => {
    const small = await grown([30, 30], [60, 30]);
    await small.swap({ scope: 'organism', organism: 1 }, growing());
    await small.live(60);
    expect(small.outcomes).toMatchObject([{ verdict: 'rolled back' }]);
    expect(Math.min(...health(small))).toBeGreaterThan(0.9);
    const [first, second] = small.world.overview.summaries();
    expect([first.cells < 100, second.cells < 100]).toEqual([true, true]);
  });

  test('one that runs away', async () => {
    const small = await rolledBack(growing());
    expect(small.outcomes[0].reason).toMatch(
      /^it runs away: organism \d has \d+ cells, its mature form \d+$/,
    );
  });

  test('one that explodes: its cells die as soon as they are not finite', async () => {
    const small = await rolledBack(bursting());
    expect(small.outcomes[0].reason).toMatch(/^it dies: \d+ of \d+ cells are left$/);
  });

  test('one that freezes bodies that are not whole', async () => {
    const small = await rolledBack(still());
    expect(small.outcomes[0].reason).toContain('it freezes: 2 of 2 bodies have not moved');
    expect(small.engine.stepNumber).toBeLessThanOrEqual(60 + 45 + 4);
  });

  test('one that stops seedlings from growing', async () => {
    const small = await grown();
    await small.plant(30, 30);
    await small.live(6);
    await small.swap({}, loaded(wired('still', [])));
    await small.live(FIVE_SECONDS);
    expect(small.outcomes).toMatchObject([
      { verdict: 'rolled back', reason: expect.stringContaining('it freezes') },
    ]);
    expect(health(small)[0]).toBeGreaterThan(0.9);
  });

  test('one under which health collapses and does not rise', async () => {
    const small = await rolledBack(flickering());
    expect(small.outcomes[0].reason).toMatch(/^health collapses: \d+ % before, \d+ % now/);
    expect(small.engine.stepNumber).toBeLessThanOrEqual(60 + VERDICT_STEPS + 2);
  });

  test('a canary alone, and no other organism is touched', async () => {
    const small = await grown([30, 30], [60, 30]);
    await small.swap({ scope: 'organism', organism: 2 }, dying());
    await small.live(FIVE_SECONDS);
    expect(small.outcomes).toMatchObject([{ verdict: 'rolled back', scope: 'organism' }]);
    expect(labels(small)).toEqual(['blob v1', 'blob v1']);
  });

  test('a new species is removed again, with all that was planted of it', async () => {
    const small = await grown([30, 30]);
    const weed = { ...growing(), card: { ...blob.card, name: 'weed' } };
    await small.swap({ species: 'weed' }, weed);
    const planted = small.world.queueStroke(doer(''), {
      id: 1,
      tool: 'plant',
      radius: 1,
      points: [90, 30],
      species: 'weed',
    });
    await small.world.applyStrokes();
    expect(await planted).toMatchObject({ ok: true });
    await small.live(FIVE_SECONDS);
    expect(small.outcomes).toMatchObject([{ verdict: 'rolled back', species: 'weed' }]);
    expect(small.world.rules.cards.map(({ name }) => name)).toEqual(['blob']);
    expect(labels(small)).toEqual(['blob v1']);
  });
});

describe('what is watched', () => {
  test('does not count against the rule what players do', async () => {
    const small = await grown([30, 30], [60, 30]);
    await small.swap({}, good());
    const cut = small.world.queueStroke(doer(''), {
      id: 1,
      tool: 'ablate',
      radius: 20,
      points: [30, 30, 60, 30],
    });
    await small.world.applyStrokes();
    expect(await cut).toMatchObject({ ok: true });
    await small.live(WATCH_STEPS);
    expect(small.outcomes).toMatchObject([{ verdict: 'in force' }]);
  });

  describe('does not take for a runaway a large body that goes over to a smaller form', () => {
    async function shrinking(before: (watched: Watched) => void = () => {}): Promise<[Watched, LoadedRule]> {
      const rule = blobRule('small', 0.6);
      // Its bodies shrink slowly.
      const small = loaded({ ...rule, fireRate: 0.05 }, await growMature(rule, createWasmEngine));
      const watched = await grown([30, 30], [60, 30]);
      before(watched);
      expect(await watched.swap({}, small)).toMatchObject({ ok: true });
      return [watched, small];
    }

    const scratch = (watched: SmallWorld) => stroke(watched, brush('ablate', 1, 30, 27));

    async function expectInForce(watched: Watched): Promise<void> {
      await watched.live(WATCH_STEPS);
      expect(watched.outcomes).toMatchObject([{ verdict: 'in force' }]);
    }

    test('when a player strikes it', async () => {
      const [watched] = await shrinking();
      expect(await scratch(watched)).toMatchObject({ ok: true, organisms: [1] });
      await expectInForce(watched);
    });

    test('when a player strikes it, and the server is restarted before it has shrunk', async () => {
      const [watched, small] = await shrinking();
      await scratch(watched);
      const again = await grown();
      await again.world.restore(structuredClone(await stateOf(watched.world)), async () => small);
      await expectInForce(again);
    });

    test('when it was being removed, and an admin clears its place', async () => {
      const [watched] = await shrinking(({ world }) => world.removals.remove(1));
      await watched.world.absences.bringBack(watched.world.organisms.get(1)!);
      watched.world.absences.uproot(watched.world.organisms.get(1)!);
      await expectInForce(watched);
    });
  });

  test('does not count against the rule bodies that stood still before', async () => {
    const small = await grown([30, 30]);
    const stuck = loaded(wired('stuck', []), recoloured());
    await small.swap({ scope: 'organism', organism: 1 }, stuck);
    // A history of standing still.
    for (let step = 0; step < 40; step += 2) await small.live(2);
    small.world.organisms.get(1)!.health = 0;
    for (let sample = -7; sample <= 0; sample++)
      small.world.organisms.sample(small.engine.stepNumber + sample * 8);
    await small.swap({}, loaded(wired('stuck-too', []), recoloured()));
    await small.live(WATCH_STEPS);
    expect(small.outcomes.map(({ verdict }) => verdict)).toEqual(['superseded', 'in force']);
  });

  test('goes back to the last rule that passed its watch, not to one still being watched', async () => {
    const small = await grown([30, 30]);
    await small.swap({}, good());
    await small.live(20);
    await small.swap({}, dying());
    await small.live(FIVE_SECONDS);
    expect(small.outcomes).toMatchObject([
      { id: 1, verdict: 'superseded', reason: 'by swap 2' },
      { id: 2, verdict: 'rolled back' },
    ]);
    expect(labels(small)).toEqual(['blob v1']);
  });

  test('refuses canaries and rules for newcomers of its species until it has settled', async () => {
    const small = await grown([30, 30]);
    await small.swap({}, good());
    const reason = 'the last swap of blob is still being watched: wait until it has settled';
    expect(await small.swap({ scope: 'organism', organism: 1 }, dying())).toEqual({ ok: false, reason });
    expect(await small.swap({ scope: 'planted' }, dying())).toEqual({ ok: false, reason });
  });

  test('is at most 16 swaps at once', async () => {
    const small = await grown();
    for (let n = 0; n < 17; n++) {
      const answer = await small.swap(
        { species: `s${n}` },
        { ...good(), card: { ...blob.card, name: `s${n}` } },
      );
      expect(answer.ok).toBe(n < 16);
      if (!answer.ok) expect(answer.reason).toContain('16 swaps are being watched');
    }
  });
});

describe('a save', () => {
  test('remembers which rule each organism lives by', async () => {
    const small = await grown([30, 30], [60, 30]);
    await small.swap({ scope: 'organism', organism: 2 }, good());
    const saved = structuredClone(await stateOf(small.world));
    expect(saved.organisms.map(({ rule }) => rule)).toEqual(['blob', 'good']);

    const again = await makeWorld();
    const asked: string[] = [];
    const { notes } = await again.world.restore(saved, async (species, sha256) => {
      asked.push(`${species} ${sha256}`);
      return good();
    });
    expect([asked, notes, labels(again)]).toEqual([['blob good'], [], ['blob v1', 'good v2']]);
  });

  test('of a rule that is gone is restored with the rule in force, and says so; older saves name no rule', async () => {
    const small = await grown([30, 30], [60, 30]);
    await small.swap({ scope: 'organism', organism: 2 }, good());
    const state = await stateOf(small.world);
    const again = await makeWorld();
    expect((await again.world.restore(state)).notes).toEqual([
      '1 organisms lived by rules that are not there any more, and live by those in force',
    ]);
    expect(labels(again)).toEqual(['blob v1', 'blob v1']);

    const older = await makeWorld();
    const organisms = state.organisms.map(({ rule: _, ...rest }) => rest);
    expect((await older.world.restore({ ...state, organisms, swaps: [] })).notes).toEqual([]);
    expect(labels(older)).toEqual(['blob v1', 'blob v1']);
  });
});
