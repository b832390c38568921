/** What the tuner keeps of the wounds of a species, over sessions and restarts. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  MAX_COORDINATES,
  MAX_HELD_OUT,
  MAX_SPECIES,
  MAX_TRAINED,
  WoundStore,
} from '../../server/tuner/woundStore.ts';
import { differentWounds, keyOf, MIN_WOUNDS, type Parts, randomSeedOf } from '../../server/tuner/wounds.ts';
import type { Blow } from '../../server/world/wound.ts';

let folder: string;
let complaints: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-wounds-'));
  complaints = [];
});
afterEach(() => rmSync(folder, { recursive: true }));
const open = (): WoundStore => new WoundStore(folder, (line) => complaints.push(line));

const wound = (x: number, points = 1): { blows: Blow[] } => ({
  blows: [
    { afterSteps: 0, tool: 'ablate', radius: 3, points: Array.from({ length: 2 * points }, (_, i) => x + i) },
  ],
});
const wounds = (first: number, count: number): { blows: Blow[] }[] =>
  Array.from({ length: count }, (_, i) => wound(first + i));
const keys = (part: Parts['trained']): string[] => part.map(({ blows }) => keyOf(blows));

test('equal wounds count once, in an order that does not depend on time', () => {
  const [one, two, three] = wounds(1, 3);
  const different = differentWounds([one, two, structuredClone(one), three, structuredClone(two)]);
  expect(different.size).toBe(3);
  expect([...differentWounds([three, two, one])]).toEqual([...different]);
  expect(differentWounds([{ blows: [] }]).size).toBe(0);
  expect(randomSeedOf('a pikachu')).not.toBe(randomSeedOf('b pikachu'));
});

test('few wounds are kept until there are enough, over sessions and restarts', () => {
  expect(open().add('moss', 's1', wounds(0, 2))).toMatchObject({ fresh: 2, needed: MIN_WOUNDS });
  // The same wounds again are no news.
  expect(open().add('moss', 's2', wounds(0, 2)).fresh).toBe(2);
  const store = open();
  expect(store.gathering).toEqual([{ species: 'moss', wounds: 2, needed: MIN_WOUNDS }]);
  const kept = store.add('moss', 's3', wounds(2, 4));
  expect(kept.fresh).toBe(MIN_WOUNDS);
  expect([kept.trained.length, kept.heldOut.length]).toEqual([4, 2]);
  expect(new Set([...kept.trained, ...kept.heldOut].map(({ session }) => session))).toEqual(
    new Set(['s1', 's3']),
  );
  expect(store.gathering).toEqual([]);
});

test('after an attempt has taken the wounds, the next one needs as many new ones; the old are kept', () => {
  const store = open();
  store.add('moss', 's1', wounds(0, 10));
  store.taken('moss');
  expect(store.of('moss').fresh).toBe(0);
  expect(store.gathering).toEqual([]);
  expect(open().add('moss', 's2', wounds(10, 3)).fresh).toBe(3);
  const { trained, heldOut } = open().of('moss');
  expect(trained.length + heldOut.length).toBe(13);
});

test('a held-out wound is never learned from, whatever comes in whatever order and however much is forgotten', () => {
  const sessions = fc.array(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 }), { maxLength: 8 });
  fc.assert(
    fc.property(sessions, (all) => {
      rmSync(join(folder, 'tuner'), { recursive: true, force: true });
      const parts = new Map<string, string>();
      for (const [i, places] of all.entries()) {
        const kept = open().add(
          'moss',
          `s${i}`,
          places.map((x) => wound(x)),
        );
        for (const part of ['trained', 'heldOut'] as const)
          for (const key of keys(kept[part])) {
            expect(parts.get(key) ?? part).toBe(part);
            parts.set(key, part);
          }
      }
      const heldOut = [...parts.values()].filter((part) => part === 'heldOut').length;
      if (parts.size >= MIN_WOUNDS) expect(heldOut).toBe(Math.max(2, Math.round(parts.size / 5)));
    }),
    { seed: 1, numRuns: 40 },
  );
  expect(complaints).toEqual([]);
});

test('both parts are bounded in number; every new session is in them, and some of the first stays', () => {
  const store = open();
  const all = 20;
  for (let i = 0; i < all; i++) store.add('moss', `s${i}`, wounds(i * 40, 40));
  const { trained, heldOut } = store.of('moss');
  expect([trained.length, heldOut.length]).toEqual([MAX_TRAINED, MAX_HELD_OUT]);
  const ofLast = (part: Parts['trained']): number =>
    part.filter(({ session }) => session === `s${all - 1}`).length;
  expect(ofLast(heldOut)).toBeGreaterThanOrEqual(6);
  expect(ofLast(trained)).toBeGreaterThanOrEqual(24);
  // A fresh half replaces at random, so of the first half of the sessions something is left.
  expect(trained.filter(({ session }) => Number(session.slice(1)) < all / 2).length).toBeGreaterThan(5);
  expect(heldOut.filter(({ session }) => Number(session.slice(1)) < all / 2).length).toBeGreaterThan(2);
});

test('both parts together are bounded in coordinates, and a wound that is too long is left out', () => {
  const store = open();
  for (let i = 0; i < 60; i++) store.add('moss', `s${i}`, [wound(i * 10_000, 4_000)]);
  const { trained, heldOut } = store.of('moss');
  const size = [...trained, ...heldOut].flatMap(({ blows }) => blows.flatMap(({ points }) => points)).length;
  expect(size).toBeLessThanOrEqual(MAX_COORDINATES);
  expect(size).toBeGreaterThan(MAX_COORDINATES / 2);
  expect(heldOut.length).toBeGreaterThanOrEqual(2);
  expect(statSync(join(folder, 'tuner/wounds/moss.json')).size).toBeLessThan(1e6);
  expect(store.add('fern', 's', [wound(0, 40_000)])).toMatchObject({ fresh: 0, trained: [], heldOut: [] });
});

test('the wounds of at most 64 species are kept; those of the one hurt longest ago go', () => {
  const store = open();
  const places = join(folder, 'tuner/wounds');
  for (let i = 0; i < MAX_SPECIES; i++) {
    store.add(`moss${i}`, 's', wounds(i, 1));
    utimesSync(join(places, `moss${i}.json`), 1_000 + i, 1_000 + i);
  }
  store.add('fern', 's', wounds(0, 1));
  expect(readdirSync(places)).toHaveLength(MAX_SPECIES);
  expect(readdirSync(places)).not.toContain('moss0.json');
  expect(complaints).toEqual([`the wounds of moss0 are forgotten: ${MAX_SPECIES} species are kept`]);
});

test('a file that cannot be read is named, and its species begins again', () => {
  mkdirSync(join(folder, 'tuner/wounds'), { recursive: true });
  writeFileSync(join(folder, 'tuner/wounds/moss.json'), '{"format":1');
  expect(open().add('moss', 's', wounds(0, 3)).fresh).toBe(3);
  expect(complaints[0]).toContain('moss.json is not JSON: the wounds of moss are gathered anew');
});
