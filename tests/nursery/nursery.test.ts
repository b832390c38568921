/** The nursery's server side, over a real registry and real processes that do not compute (`stubLearning.ts`). */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DrawingTable } from '../../server/nursery/desk/drawingTable.ts';
import type { Maker } from '../../server/nursery/desk/intake.ts';
import { MAX_PER_ADDRESS, MAX_PER_GUEST } from '../../server/nursery/desk/intake.ts';
import { Nursery, type NurseryOptions } from '../../server/nursery/desk/nursery.ts';
import { viewOf } from '../../server/nursery/desk/nurseryPages.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { type Actor, Registry } from '../../server/rules/registry.ts';
import { RegistryError } from '../../server/rules/registryFile.ts';
import type { SwapDesk, SwapResult } from '../../server/swaps/swapDesk.ts';
import type { WorldLink, WorldQuery } from '../../server/world/messages.ts';
import { packDrawing } from '../../shared/drawing/packed.ts';
import type { Species } from '../../shared/protocol.ts';
import { blobRule } from '../world/blob.ts';

const ann: Maker = { guest: 'ann', name: 'Ann', address: '192.0.2.1' };
const bob: Maker = { guest: 'bob', name: 'Bob', address: '192.0.2.2' };
const cat: Maker = { guest: 'cat', name: 'Cat', address: '192.0.2.1' };
const warden: Actor = { who: 'Warden', address: '' };

let folder: string;
let registry: Registry;
let nursery: Nursery;
let complaints: string[];
let told: string[];
let children: ChildProcess[];
/** Called before the nursery listens to the process. */
let spawned: (child: ChildProcess) => void;
let world: { ready: { species: Species[] }; asked: WorldQuery[]; bodies: Record<string, number> };
let swapAnswer: (species: string) => SwapResult;
/** Thrown by the registry once it is set. */
let trouble: RegistryError | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-nursery-'));
  registry = new Registry(folder, 2_000);
  const rule = blobRule('moss');
  registry.enterShipped([{ rule, bytes: serializeRule(rule) }]);
  complaints = [];
  told = [];
  children = [];
  spawned = () => {};
  trouble = null;
  world = { ready: { species: [card('moss')] }, asked: [], bodies: {} };
  swapAnswer = () => ({ ok: true, swap: 1, organisms: 0 });
});
afterEach(async () => {
  vi.useRealTimers();
  await nursery.stop();
  registry.close();
  rmSync(folder, { recursive: true });
});

const card = (name: string): Species => ({ name, x: 0, y: 0, width: 1, height: 1, thumbnail: '' });

/** A square of 8 x 8 in one colour. */
const square = (grey: number): string =>
  packDrawing({
    width: 8,
    height: 8,
    rgba: Uint8Array.from({ length: 256 }, (_, i) => (i % 4 === 3 ? 255 : grey)),
  });
const wish = (name: string, grey = 90) => ({ name, drawing: square(grey), isFree: true });

const desk: Pick<SwapDesk, 'ask' | 'swap'> = {
  ask: async (question) => {
    if (trouble !== null) throw trouble;
    return question(registry);
  },
  swap: async (wanted, actor) => {
    const answer = swapAnswer(wanted.species);
    if (!answer.ok) return answer;
    const { id } = registry.wantSwap(wanted, actor);
    registry.settle(id, 'in force', '', actor);
    world.ready.species.push(card(wanted.species));
    return answer;
  },
};

const link = {
  get ready() {
    return world.ready;
  },
  async ask(query: WorldQuery): Promise<unknown> {
    world.asked.push(query);
    if (query.kind === 'population') return world.bodies;
    if (query.kind === 'control' && query.control.kind === 'removeSpecies') {
      const { species } = query.control;
      world.ready.species = world.ready.species.filter(({ name }) => name !== species);
    }
    return 0;
  },
} as unknown as WorldLink;

/** @param behaviours - of one process after another; the last one repeats */
function open(behaviours: readonly string[], options: Partial<NurseryOptions> = {}): Nursery {
  nursery = new Nursery({
    desk,
    probe: async () => ({ ok: true }) as never,
    world: link,
    dataDir: folder,
    mode: 'open',
    threads: 1,
    maxSpecies: 4,
    maxWorldSpecies: 200,
    laterMs: 20,
    log: (text) => complaints.push(text),
    spawn: (job) => {
      const behaviour = behaviours[Math.min(children.length, behaviours.length - 1)];
      const child = fork(join(import.meta.dirname, 'stubLearning.ts'), [job, behaviour], {
        execArgv: [],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      children.push(child);
      spawned(child);
      return child;
    },
    ...options,
  });
  nursery.audience = { tell: (guest, text) => told.push(`${guest}: ${text}`), drawingsOf: () => {} };
  return nursery;
}

async function opened(behaviours: readonly string[], options?: Partial<NurseryOptions>): Promise<Nursery> {
  open(behaviours, options).begin();
  await until(() => nursery.drawings.isLoaded);
  return nursery;
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
};
const states = (): Record<string, string> =>
  Object.fromEntries(nursery.drawings.all.map(({ name, state }) => [name, state]));
const stateOf = (name: string): string => states()[name];

describe('a drawing', () => {
  test('is learned, probed, entered with its figures and put into force, and its maker is told', async () => {
    await opened(['pass']);
    const answer = await nursery.submit(wish('Señor Ghost'), ann);
    expect(answer).toMatchObject({ reason: null, before: 0 });
    expect(answer.waitSeconds).toBeGreaterThan(0);
    await until(() => stateOf('Señor Ghost') === 'ready');
    const record = registry.inForce().get('senor-ghost');
    expect(record).toMatchObject({ origin: 'trained', metrics: { deaths: 0 } });
    expect(registry.read(record!.id).rule.metadata).toEqual({ title: 'Señor Ghost', maker: 'Ann' });
    expect(told).toContain('ann: Señor Ghost has been learned: plant it!');
    expect(nursery.own('ann')).toMatchObject([{ state: 'ready', species: 'senor-ghost', reason: '' }]);
    expect(readdirSync(join(folder, 'nursery/jobs'))).toEqual([]);
    expect(viewOf(nursery).grown).toMatchObject([{ species: 'senor-ghost', isPassed: true, hasFilm: true }]);
  });

  test('that misses a gate is offered with what it lacks', async () => {
    await opened(['weak']);
    await nursery.submit(wish('Ghost'), ann);
    await until(() => stateOf('Ghost') === 'ready');
    expect(told.at(-1)).toBe(
      'ann: Ghost has been learned: plant it! It is not perfect: left: 0.910 healed, 0.98 passes.',
    );
    expect(viewOf(nursery).grown).toMatchObject([
      { isPassed: false, lacks: ['left: 0.910 healed, 0.98 passes'] },
    ]);
  });

  test.each([
    ['refuse', 'What was learned cannot live: 3 of 16 died'],
    ['hopeless', 'The world could not learn it.'],
    ['crash', 'The world could not learn it.'],
  ])('whose process ends in "%s" is refused, and no rule is entered', async (behaviour, reason) => {
    await opened([behaviour]);
    await nursery.submit(wish('Ghost'), ann);
    await until(() => stateOf('Ghost') === 'refused');
    expect(nursery.own('ann')).toMatchObject([{ reason }]);
    expect(children).toHaveLength(behaviour === 'crash' ? 3 : 1);
    expect(registry.rules().filter(({ origin }) => origin === 'trained')).toEqual([]);
  });

  test('waits for a disk that takes no files, however often, and is not blamed for it', async () => {
    await opened([...Array(5).fill('full disk'), 'crash', 'crash', 'pass']);
    await nursery.submit(wish('Ghost'), ann);
    await until(() => stateOf('Ghost') === 'ready');
    expect(children).toHaveLength(8);
    expect(complaints).toContain('learning ghost waits for the disk: cannot write checkpoint.bin: ENOSPC');
  });

  test('whose rule fails the probe is refused', async () => {
    await opened(['pass'], { probe: async () => ({ ok: false, reason: 'ghost does not stop growing' }) });
    await nursery.submit(wish('Ghost'), ann);
    await until(() => stateOf('Ghost') === 'refused');
    expect(nursery.own('ann')).toMatchObject([
      { reason: 'The world cannot take it: ghost does not stop growing' },
    ]);
  });

  test('waits while the world takes no rule, and is planted later', async () => {
    let tries = 0;
    swapAnswer = () =>
      ++tries < 3 ? { ok: false, swap: 1, reason: 'busy' } : { ok: true, swap: 1, organisms: 0 };
    await opened(['pass']);
    await nursery.submit(wish('Ghost'), ann);
    await until(() => tries === 1);
    expect(viewOf(nursery).learning?.stage).toBe('planting');
    await until(() => stateOf('Ghost') === 'ready');
    expect(registry.rules().filter(({ origin }) => origin === 'trained')).toHaveLength(1);
    expect(children).toHaveLength(1);
  });

  test('never takes the name of a rule, of another drawing, or of a species of the world', async () => {
    world.ready.species.push(card('fern'));
    await opened(['work']);
    for (const [name, grey] of [
      ['Moss', 1],
      ['Fern', 2],
    ] as const)
      await nursery.submit(wish(name, grey), ann);
    await nursery.submit(wish('fern', 3), bob);
    await nursery.submit(wish('龍', 4), bob);
    expect(nursery.drawings.all.map(({ species }) => species)).toEqual([
      'moss-2',
      'fern-2',
      'fern-3',
      'creature',
    ]);
  });
});

describe('a restart', () => {
  test('goes on from the checkpoint of a server that was stopped', async () => {
    await opened(['work']);
    await nursery.submit(wish('Ghost'), ann);
    await until(() => nursery.running?.progress != null);
    await nursery.stop();
    await opened(['resume']);
    await until(() => stateOf('Ghost') === 'ready');
    expect(nursery.drawings.all[0].result?.iterations).toBe(900);
  });

  test('after a kill between result and species makes one species, of one rule', async () => {
    await opened(['pass']);
    const { swap } = desk;
    desk.swap = async () => {
      // The server dies here: the rule is entered, and the world has not taken it.
      trouble = new RegistryError('the server is stopping');
      throw trouble;
    };
    await nursery.submit(wish('Ghost'), ann);
    await until(() => trouble !== null);
    await nursery.stop();
    desk.swap = swap;
    trouble = null;
    await opened(['work']);
    await until(() => stateOf('Ghost') === 'ready');
    expect(registry.rules().map(({ name }) => name)).toEqual(['ghost', 'moss']);
    expect(children).toHaveLength(1);
  });

  test('keeps the queue, and whose turn it is', async () => {
    await opened(['work']);
    await nursery.submit(wish('a1', 1), ann);
    await nursery.submit(wish('a2', 2), ann);
    await nursery.submit(wish('b1', 3), bob);
    await until(() => stateOf('a1') === 'learning');
    await nursery.stop();
    await opened(['work']);
    expect(nursery.queue.map(({ name }) => name)).toEqual(['b1', 'a2']);
    expect(stateOf('a1')).toBe('learning');
  });

  test('removes what a species that was removed has left in the world', async () => {
    await opened(['pass']);
    await nursery.submit(wish('Ghost'), ann);
    await until(() => stateOf('Ghost') === 'ready');
    await nursery.stop();
    registry.file.change(() => registry.file.write("UPDATE drawings SET state = 'removed'"));
    await opened(['work']);
    await until(() => world.ready.species.length === 1);
    expect(registry.inForce().has('ghost')).toBe(false);
    expect(existsSync(nursery.folders.keptOf(1))).toBe(false);
  });
});

describe('a submission', () => {
  beforeEach(() => opened(['work'], { mode: 'approve' }));
  const reasonOf = async (message: unknown, maker = ann): Promise<string | null> =>
    (await nursery.submit(message, maker)).reason;

  test.each<[what: string, message: unknown]>([
    ['nothing', null],
    ['an empty object', {}],
    ['only a name', { name: 'x' }],
    ['not free', { ...wish('x'), isFree: false }],
    ['no packed drawing', { ...wish('x'), drawing: 'AAAA' }],
    ['a name that turns the direction of text', wish('\u202eadmin')],
    ['a long name', wish('x'.repeat(400))],
    ['a long drawing', { ...wish('x'), drawing: 'A'.repeat(100_000) }],
  ])('that is none is refused with words: %s', async (_what, message) => {
    expect(await reasonOf(message)).toMatch(/^[A-Z].+\.$/);
    expect(nursery.drawings.all).toEqual([]);
  });

  test('of the same drawing again is refused, whatever it is called', async () => {
    expect(await reasonOf(wish('one'))).toBeNull();
    expect(await reasonOf(wish('two'), bob)).toBe('This drawing waits already.');
  });

  test('is bounded for a guest, and for an address', async () => {
    for (let i = 0; i < MAX_PER_GUEST; i++) expect(await reasonOf(wish('mine', i))).toBeNull();
    expect(await reasonOf(wish('mine', 50))).toBe(`${MAX_PER_GUEST} of your drawings wait already.`);
    const others = Array.from({ length: MAX_PER_ADDRESS }, (_, i) =>
      reasonOf(wish('theirs', 100 + i), { ...ann, guest: `guest ${i}` }),
    );
    const reasons = await Promise.all(others);
    expect(reasons.filter((reason) => reason === null)).toHaveLength(MAX_PER_ADDRESS - MAX_PER_GUEST);
    expect(await reasonOf(wish('elsewhere', 200), bob)).toBeNull();
  });

  test('a thousand from one address cost next to nothing, and leave room for everybody else', async () => {
    const reasons = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => reasonOf(wish('flood', i % 256), { ...cat, guest: `g${i}` })),
    );
    expect(reasons.filter((reason) => reason === null)).toHaveLength(MAX_PER_ADDRESS);
    expect(reasons.filter((reason) => reason?.startsWith('That were many'))).toHaveLength(980);
    expect(await reasonOf(wish('honest', 250), bob)).toBeNull();
  });

  test('that cannot be kept says so, and costs the address nothing', async () => {
    trouble = new RegistryError('the disk is full');
    expect(await reasonOf(wish('Ghost'))).toBe(
      'The drawing cannot be kept at the moment: try again in a minute.',
    );
    trouble = null;
    expect(await reasonOf(wish('Ghost'))).toBeNull();
  });
});

describe('moderation', () => {
  test('a drawing that awaits a word is not learned and not shown until it is approved', async () => {
    await opened(['pass'], { mode: 'approve' });
    await nursery.submit(wish('Ghost'), ann);
    expect(viewOf(nursery)).toMatchObject({ waiting: 1, queue: [], learning: null });
    expect(children).toEqual([]);
    await nursery.approve(1, warden);
    await until(() => stateOf('Ghost') === 'ready');
    expect(registry.audit.entries(20).some(({ action }) => action === 'approve drawing')).toBe(true);
  });

  test('a refused drawing is told to its maker with the reason, and its process ends', async () => {
    await opened(['work']);
    await nursery.submit(wish('Ghost'), ann);
    await until(() => nursery.running !== null);
    await nursery.refuse(1, 'It is a trademark.', warden);
    await until(() => nursery.running === null);
    expect(stateOf('Ghost')).toBe('refused');
    expect(told.at(-1)).toBe('ann: Ghost will not be grown. It is a trademark.');
    expect(readdirSync(join(folder, 'nursery/jobs'))).toEqual([]);
  });

  test('a guest takes back what is theirs, and nothing else', async () => {
    await opened(['work'], { mode: 'approve' });
    await nursery.submit(wish('Ghost'), ann);
    await nursery.withdraw(1, 'bob');
    expect(stateOf('Ghost')).toBe('waiting');
    trouble = new RegistryError('the disk is full');
    await nursery.withdraw(1, 'ann');
    expect(told.at(-1)).toBe('ann: The drawing cannot be taken back at the moment: try again in a minute.');
    trouble = null;
    await nursery.withdraw(1, 'ann');
    expect(stateOf('Ghost')).toBe('withdrawn');
  });

  test('what was decided first stands: a drawing that is taken back is neither approved nor learned', async () => {
    await opened(['pass'], { mode: 'approve' });
    await nursery.submit(wish('Ghost'), ann);
    const [, approved] = await Promise.allSettled([nursery.withdraw(1, 'ann'), nursery.approve(1, warden)]);
    expect(approved).toMatchObject({ reason: { message: 'drawing 1 is withdrawn by now' } });
    expect(stateOf('Ghost')).toBe('withdrawn');
    expect(registry.audit.entries(20).some(({ action }) => action === 'approve drawing')).toBe(false);
    await nursery.submit(wish('Ghost'), ann);
    await Promise.all([nursery.approve(2, warden), nursery.refuse(2, '', warden)]);
    expect(nursery.own('ann')).toMatchObject([{ state: 'refused' }, { state: 'withdrawn' }]);
    await until(() => nursery.running === null);
    expect(registry.rules().filter(({ origin }) => origin === 'trained')).toEqual([]);
  });

  test('a drawing that is taken back in the moment in which its learning ends becomes no species', async () => {
    await opened(['pass']);
    const withdrawn = new Promise<void>((resolve) => {
      spawned = (child) => child.once('exit', () => resolve(nursery.withdraw(1, 'ann')));
    });
    await nursery.submit(wish('Ghost'), ann);
    await withdrawn;
    await until(() => !nursery.isPlanting(1));
    expect(stateOf('Ghost')).toBe('withdrawn');
    expect(registry.rules().filter(({ origin }) => origin === 'trained')).toEqual([]);
    expect(readdirSync(join(folder, 'nursery/jobs'))).toEqual([]);
  });

  test('what is a species already cannot be taken back, and its maker is told', async () => {
    await opened(['pass']);
    await nursery.submit(wish('Ghost'), ann);
    await until(() => stateOf('Ghost') === 'ready');
    await nursery.withdraw(1, 'ann');
    expect(told.at(-1)).toBe('ann: Ghost cannot be taken back any more.');
    expect(stateOf('Ghost')).toBe('ready');
  });

  test('a removed species leaves the world with its bodies, and stays away', async () => {
    await opened(['pass']);
    await nursery.submit(wish('Ghost'), ann);
    await until(() => stateOf('Ghost') === 'ready');
    await nursery.remove(1, '', warden);
    expect(world.asked.at(-1)).toEqual({
      kind: 'control',
      control: { kind: 'removeSpecies', species: 'ghost' },
    });
    expect([...registry.inForce().keys()]).toEqual(['moss']);
    expect(() => registry.beforeInForce('ghost')).toThrow('there is no species ghost');
  });
});

test('when the bed is full, the species with the fewest bodies withers', async () => {
  await opened(['pass'], { maxSpecies: 2 });
  const makers = [ann, bob, { ...cat, address: '192.0.2.3' }];
  for (const [i, maker] of makers.entries()) {
    await nursery.submit(wish(`plant ${'abc'[i]}`, i), maker);
    if (i === 1) world.bodies = { 'plant-a': 2, 'plant-b': 1 };
    await until(() => stateOf(`plant ${'abc'[i]}`) === 'ready');
  }
  expect(states()).toEqual({ 'plant a': 'ready', 'plant b': 'withered', 'plant c': 'ready' });
  expect(world.ready.species.map(({ name }) => name)).toEqual(['moss', 'plant-a', 'plant-c']);
});

test('a species that nobody had time to plant withers after older ones that have bodies', async () => {
  await opened(['pass'], { maxSpecies: 2 });
  const makers = [ann, bob, { ...cat, address: '192.0.2.3' }];
  for (const [i, maker] of makers.entries()) {
    await nursery.submit(wish(`plant ${'abc'[i]}`, i), maker);
    await until(() => stateOf(`plant ${'abc'[i]}`) === 'ready');
    if (i > 0) continue;
    const row = new DrawingTable(registry).change(1, {}, '2026-01-01T00:00:00.000Z');
    expect(row.state).toBe('ready');
    await nursery.drawings.load();
    world.bodies = { 'plant-a': 5 };
  }
  expect(states()).toEqual({ 'plant a': 'withered', 'plant b': 'ready', 'plant c': 'ready' });
});

test('a species that the world has given up is no longer offered, and its maker is told', async () => {
  await opened(['pass']);
  await nursery.submit(wish('Ghost'), ann);
  await until(() => stateOf('Ghost') === 'ready');
  await nursery.swapEnded({ species: 'ghost', verdict: 'in force', reason: '' });
  expect(stateOf('Ghost')).toBe('ready');
  world.ready.species = [card('moss')];
  await nursery.swapEnded({ species: 'ghost', verdict: 'rolled back', reason: 'it dies' });
  expect(stateOf('Ghost')).toBe('withered');
  expect(told.at(-1)).toBe('ann: Ghost could not live in the world: it dies.');
});

test('films are made only while somebody looks', async () => {
  await opened(['work']);
  await nursery.submit(wish('Ghost'), ann);
  await until(() => nursery.running?.errors.points.length === 1);
  expect(viewOf(nursery).learning).toMatchObject({
    film: null,
    errors: [[10, 0.01]],
    healing: [
      [5, 0],
      [10, 0.5],
    ],
  });
  nursery.looked();
  await until(() => nursery.running?.films.length === 1);
  const first = viewOf(nursery).learning!.film!;
  // Another server that goes on with it names no film of its own like one that a browser has kept.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5_000 });
  await nursery.stop();
  await opened(['work']);
  nursery.looked();
  await until(() => nursery.running?.films.length === 1);
  expect(viewOf(nursery).learning!.film).toBeGreaterThan(first);
});

test('says when it trains, so that the tuner makes room', async () => {
  open(['pass']);
  const busy: boolean[] = [];
  nursery.onBusy = (isBusy) => busy.push(isBusy);
  nursery.begin();
  await until(() => nursery.drawings.isLoaded);
  await nursery.submit(wish('Ghost'), ann);
  await until(() => stateOf('Ghost') === 'ready');
  expect(busy).toEqual([true, false]);
});
