/** The rules that every `WorldLink` keeps, whatever its messages travel over. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HEADROOM_BYTES } from '../../server/stream/deliver/composer.ts';
import { Stream } from '../../server/stream/deliver/stream.ts';
import type { PublishedFrame } from '../../server/stream/published.ts';
import { NoAnswerError, type WorldLink } from '../../server/world/messages.ts';
import { KEYFRAME } from '../../shared/frame.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { Mirror } from '../stream/mirror.ts';
import { until } from './ends.ts';

/** A link to a fake world, and what can happen to it. */
export interface Linked {
  readonly link: WorldLink;
  /** The world's process ends without a word, or says that it has ended. */
  die(): Promise<void>;
  /** Ends what is left. */
  close(): Promise<void>;
}

export interface LinkMaker {
  /** @param answerMs - how long a question waits for its answer */
  make(world: FakeWorld, answerMs?: number): Promise<Linked>;
}

const BODY = { species: 'mew', x: 1, y: 2, planter: '', guest: '', cause: 'too large' } as const;
const STATS = { step: 1, stepsPerSecond: 30, organisms: 2, livingCells: 3 };

export function describeWorldLink(name: string, { make }: LinkMaker): void {
  describe(`a link to the world over ${name}`, () => {
    let world: FakeWorld;
    let linked: Linked;
    let link: WorldLink;
    let frames: PublishedFrame[];
    beforeEach(async () => {
      world = new FakeWorld(256, 256);
      await open();
    });
    afterEach(() => linked.close());

    async function open(answerMs?: number): Promise<void> {
      linked = await make(world, answerMs);
      link = linked.link;
      frames = [];
      link.onFrame = (frame) => frames.push(frame);
    }

    /** Everything that was said before has arrived at the world. */
    const settle = async (): Promise<void> => {
      // What is watched is sent at the end of a turn of the event loop.
      await turn();
      await link.ask({ kind: 'endWounds' });
    };
    const updates = (): string[] =>
      frames.flatMap((frame) =>
        frame.updates.map(({ key, base }) => `${key} ${base === KEYFRAME ? 'keyframe' : 'delta'}`),
      );

    test('L1 it is there when the world is ready, and knows what the world said', () => {
      expect(link.ready).toEqual(world.ready);
    });

    test('L2 a page that is watched comes as a keyframe, then as deltas, byte for byte', async () => {
      link.watch([0, 5], []);
      await settle();
      world.paint(3, 4, [9, 9, 9, 255]);
      const first = world.tick()!;
      world.paint(3, 4, [90, 9, 9, 255]);
      const second = world.tick()!;
      await until('two frames', () => frames.length === 2);
      expect(updates()).toEqual(['0 keyframe', '5 keyframe', '0 delta']);
      for (const [i, frame] of [first, second].entries()) {
        const of = ({ updates, bytes }: PublishedFrame): unknown =>
          updates.map(({ key, version, base, offset, length }) => ({
            ...{ key, version, base },
            bytes: Buffer.from(bytes).toString('hex', offset, offset + length),
          }));
        expect(frames[i]).toMatchObject({ type: 'frame', frame: frame.frame, step: frame.step });
        expect(of(frames[i])).toEqual(of(frame));
      }
    });

    test('L3 a page that is no longer watched does not come', async () => {
      link.watch([0, 1], []);
      await settle();
      world.tick();
      link.watch([], [0]);
      await settle();
      frames.length = 0;
      for (const x of [1, 65]) world.paint(x, 1, [1, 99, 1, 255]);
      world.tick();
      await until('a frame', () => frames.length > 0);
      expect(updates()).toEqual(['1 delta']);
    });

    test('L4 who asks for keyframes gets a frame, even if nothing has changed', async () => {
      link.watch([0], []);
      await settle();
      world.tick();
      await until('the first frame', () => frames.length === 1);
      link.requestKeyframes([0, 3]);
      await settle();
      world.tick();
      link.requestKeyframes([]);
      await settle();
      world.tick();
      await until('three frames', () => frames.length === 3);
      expect(frames.map(({ updates }) => updates.map(({ key }) => key))).toEqual([[0], [0], []]);
    });

    test('L5 answers find their questions, whatever they are', async () => {
      world.paint(2, 1, [1, 2, 3, 255]);
      world.outcome = { ok: true, step: 9, organisms: [4] };
      world.answers.set('control', 17);
      world.roomFault = 'It is too near the edge.';
      const by = { guest: 'g', address: '192.0.2.1', name: 'Ash' };
      const stroke = { id: 1, tool: 'ablate', radius: 4, points: [1, 2.5] } as const;
      const answers = await Promise.all([
        link.ask({ kind: 'pixels', rect: { x: 1, y: 1, width: 2, height: 1 } }),
        link.ask({ kind: 'stroke', by, stroke }),
        link.ask({ kind: 'inspectAt', x: 0, y: 0 }),
        link.ask({ kind: 'room', species: 'mew', x: 1, y: 2, by }),
        link.ask({ kind: 'control', control: { kind: 'speed', stepsPerSecond: 0 } }),
        link.ask({ kind: 'organisms' }),
      ]);
      expect([...answers[0]]).toEqual([0, 0, 0, 0, 1, 2, 3, 255]);
      expect(answers.slice(1, 5)).toEqual([
        { ok: true, step: 9, organisms: [4] },
        null,
        'It is too near the edge.',
        17,
      ]);
      expect(answers[5]).toMatchObject([{ id: 1, species: 'pikachu' }]);
      expect(world.asked).toContainEqual({ kind: 'stroke', by, stroke });
    });

    test('L5 an answer of many megabytes arrives whole', async () => {
      const rect = { x: 0, y: 0, width: 1_024, height: 1_024 };
      const pixels = new Uint8Array(4 * rect.width * rect.height).map((_, i) => i % 251);
      world.answers.set('pixels', pixels);
      const got = await link.ask({ kind: 'pixels', rect });
      expect(Buffer.compare(got, pixels)).toBe(0);
    });

    test('L6 a refusal has the reason of the world', async () => {
      const refusal = Promise.reject(new NoAnswerError('disk full'));
      refusal.catch(() => {});
      world.answers.set('save', refusal);
      await expect(link.ask({ kind: 'save' })).rejects.toThrow(new NoAnswerError('disk full'));
    });

    test('L6 a question without an answer is rejected in time', async () => {
      await linked.close();
      await open(30);
      world.silent = true;
      await expect(link.ask({ kind: 'organisms' })).rejects.toThrow(
        'the world did not answer organisms within 0.03 s',
      );
    });

    test('L6 more than 4,096 questions without an answer are rejected', async () => {
      await linked.close();
      await open(500);
      world.silent = true;
      const asked = Array.from({ length: 4_097 }, () =>
        link.ask({ kind: 'organisms' }).catch((error: Error) => error.message),
      );
      expect(await asked[4_096]).toBe('the world is busy');
      await linked.close();
      await Promise.all(asked);
    });

    test('L7 news arrives once, in order, and is remembered where it lasts', async () => {
      const heard: unknown[] = [];
      const species = [{ ...world.ready.species[0], name: 'mew' }];
      link.onStats = (stats) => heard.push(stats);
      link.onSpecies = (all) => heard.push(all);
      link.onSwap = ({ id }) => heard.push(`swap ${id}`);
      link.onWounds = (events) => heard.push(`${events.length} wounds`);
      link.onWilted = (bodies) => heard.push(bodies.map(({ organism }) => organism));
      link.onSeeds = (seeds) => heard.push(seeds);
      link.onTrouble = (trouble) => heard.push(trouble);
      world.onStats(STATS);
      world.onSpecies(species);
      world.onSwap({
        ...{ id: 8, species: 'mew', scope: 'species', who: 'Ann', rule: 'mew v2' },
        ...{ verdict: 'in force', reason: '' },
      });
      world.onWounds([]);
      world.onWilted([
        { ...BODY, organism: 3, label: 'mew v1' },
        { ...BODY, organism: 4, label: 'mew v1' },
      ]);
      world.onSeeds([{ id: 1, x: 2, y: 3, seconds: 4.5 }]);
      world.trouble = 'a full disk';
      world.onTrouble('a full disk');
      await until('the trouble', () => link.trouble === 'a full disk');
      expect(heard).toEqual([
        STATS,
        species,
        'swap 8',
        '0 wounds',
        [3, 4],
        [{ id: 1, x: 2, y: 3, seconds: 4.5 }],
        'a full disk',
      ]);
      expect(link.stats).toEqual(STATS);
      expect(link.ready).toEqual({ ...world.ready, species });
      expect(Object.fromEntries(link.wilted)).toEqual({ 'mew v1': 2 });
    });

    test('L8 who is present is told to the world', async () => {
      link.present(['a', 'b']);
      await settle();
      expect(world.presents).toEqual([['a', 'b']]);
    });

    test('L9 when the world dies, every question is rejected at once, also those to come', async () => {
      world.silent = true;
      const asked = link.ask({ kind: 'organisms' });
      const refusal = expect(asked).rejects.toBeInstanceOf(NoAnswerError);
      await linked.die();
      await refusal;
      await expect(link.ask({ kind: 'organisms' })).rejects.toBeInstanceOf(NoAnswerError);
    });

    test('L10 a viewer behind the link holds the true pixels, however it moves', async () => {
      const mirror = new Mirror(world.ready);
      const unacknowledged: number[] = [];
      const stream = new Stream(link, { now: () => performance.now() });
      link.onFrame = (frame) => stream.publish(frame);
      const viewer = stream.join({
        bufferedBytes: 0,
        send: (bytes) => void unacknowledged.push(mirror.apply(bytes.subarray(HEADROOM_BYTES))),
      });
      const look = (x: number): void => stream.look(viewer, { x, y: 0, width: 64, height: 64, level: 0 });
      look(0);
      for (let n = 0; n < 12; n++) {
        if (n === 4) look(130);
        if (n === 8) look(20);
        await settle();
        for (let x = 0; x < 256; x += 9) world.paint(x, (5 * n + x) % 256, [x, 20 * n, 9, 255]);
        world.tick();
        await settle();
        for (const frame of unacknowledged.splice(0)) stream.acknowledge(viewer, frame);
      }
      // Whatever is owed comes within a few frames; a page that stands still is exact after a second.
      let at = performance.now();
      for (let n = 0; n < 4; n++) {
        stream.sweep();
        await settle();
        at += 1_100;
        world.tick(at);
        await settle();
        for (const frame of unacknowledged.splice(0)) stream.acknowledge(viewer, frame);
      }
      expect(viewer.pages.length).toBeGreaterThan(3);
      expect(viewer.owed).toBe(0);
      for (const page of viewer.pages) {
        expect(mirror.pages.get(page)?.version).toBe(stream.versionOf(page));
        expect(Buffer.compare(mirror.pages.get(page)!.pixels, world.pixels(page))).toBe(0);
      }
    });
  });
}
