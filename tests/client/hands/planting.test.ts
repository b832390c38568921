import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ASK_AGAIN_MS, ASK_EVERY_MS, type HeldSeed, Planting } from '../../../client/hands/planting.ts';
import { roomFault } from '../../../server/world/room.ts';
import type { RoomMessage } from '../../../shared/protocol.ts';

fc.configureGlobal({ seed: 1 });

const world = { width: 400, height: 300 };
const species = { name: 'eevee', x: -18, y: -20, width: 34, height: 36, thumbnail: '' };
const at = (x: number, y: number): HeldSeed => ({ species, x, y });

function open() {
  const asked: RoomMessage[] = [];
  const planting = new Planting((question) => asked.push(question));
  planting.meet(world);
  return { planting, asked };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the server is asked', () => {
  test('about the newest place only, at most five times per second', () => {
    const { planting, asked } = open();
    for (let x = 100; x < 300; x++) {
      planting.hold(at(x, 100));
      vi.advanceTimersByTime(10);
    }
    expect(ASK_EVERY_MS).toBe(200);
    // The first at once, then one every 200 ms, in which the seed moves 20 cells.
    expect(asked.map(({ at: [x] }) => x)).toEqual([100, 119, 139, 159, 179, 199, 219, 239, 259, 279, 299]);
  });

  test('again every second while the seed rests, because the world changes', () => {
    const { planting, asked } = open();
    planting.hold(at(100, 100));
    vi.advanceTimersByTime(2_999);
    expect(asked).toHaveLength(3);
    vi.advanceTimersByTime(1);
    expect(asked).toHaveLength(4);
  });

  test('no more when no seed is held', () => {
    const { planting, asked } = open();
    planting.hold(at(100, 100));
    planting.hold(null);
    vi.advanceTimersByTime(10 * ASK_AGAIN_MS);
    expect(asked).toHaveLength(1);
  });

  test('nothing about a place where the body would cross the world’s edge', () => {
    const { planting, asked } = open();
    planting.hold(at(3, 100));
    vi.advanceTimersByTime(10 * ASK_AGAIN_MS);
    expect(asked).toEqual([]);
  });

  test('again after a new connection, and the old answer is dropped', () => {
    const { planting, asked } = open();
    planting.hold(at(100, 100));
    planting.settle({ species: 'eevee', at: [100, 100], reason: 'No room.' });
    vi.advanceTimersByTime(ASK_EVERY_MS);
    planting.meet(world);
    expect(asked).toHaveLength(2);
    expect(planting.fault(at(100, 100))).toBeNull();
  });
});

describe('a seed is refused', () => {
  test('where the server says so, for that cell and species alone', () => {
    const { planting } = open();
    planting.hold(at(100, 100));
    planting.settle({ species: 'eevee', at: [100, 100], reason: 'No room.' });
    expect(planting.fault(at(100, 100))).toBe('No room.');
    expect(planting.fault(at(101, 100))).toBeNull();
    expect(planting.fault({ ...at(100, 100), species: { ...species, name: 'mew' } })).toBeNull();
  });

  test('not because of an answer about a place that it has left', () => {
    const { planting } = open();
    planting.hold(at(100, 100));
    planting.hold(at(140, 100));
    planting.settle({ species: 'eevee', at: [100, 100], reason: 'No room.' });
    expect(planting.shown?.reason).toBeNull();
    expect(planting.fault(at(100, 100))).toBeNull();
  });

  test('at the world’s edge exactly where the server refuses it, in the same words', () => {
    const { planting } = open();
    const { x, y, width, height } = species;
    const rgba = new Float32Array(width * height * 4).fill(1);
    fc.assert(
      fc.property(
        fc.integer({ min: -5, max: world.width + 5 }),
        fc.integer({ min: -5, max: world.height + 5 }),
        (seedX, seedY) => {
          const body = { species: 'eevee', x: seedX, y: seedY, form: { x, y, width, height, rgba } };
          expect(planting.fault(at(seedX, seedY))).toBe(roomFault(body, world, []));
        },
      ),
    );
  });
});

describe('the silhouette', () => {
  test('keeps the last answer until the next one comes, and says when that differs', () => {
    const { planting } = open();
    let changes = 0;
    planting.changed.on(() => changes++);
    planting.hold(at(100, 100));
    planting.settle({ species: 'eevee', at: [100, 100], reason: 'No room.' });
    planting.hold(at(102, 100));
    expect(planting.shown).toEqual({ ...at(102, 100), reason: 'No room.' });
    planting.settle({ species: 'eevee', at: [102, 100], reason: 'No room.' });
    expect(changes).toBe(1);
    planting.settle({ species: 'eevee', at: [102, 100], reason: null });
    expect(planting.shown?.reason).toBeNull();
    expect(changes).toBe(2);
  });

  test('of another species does not keep the last answer', () => {
    const { planting } = open();
    planting.hold(at(100, 100));
    planting.settle({ species: 'eevee', at: [100, 100], reason: 'No room.' });
    planting.hold({ ...at(100, 100), species: { ...species, name: 'mew' } });
    expect(planting.shown?.reason).toBeNull();
  });
});
