import { describe, expect, test } from 'vitest';
import type { OrganismRecord } from '../../../server/world/organismRecord.ts';
import type { Acknowledged } from './play.ts';
import type { Evidence } from './recover.ts';
import { lostOf } from './verdict.ts';

const organism = (id: number, x: number, plantedStep: number, planter = 'Ann'): OrganismRecord => ({
  id,
  species: 'blob',
  x,
  y: 5,
  planter,
  plantedStep,
  plantedSeconds: 0,
  health: 1,
  history: [],
});
const nothing: Evidence = {
  perturbations: new Set(),
  radii: new Set(),
  planted: new Map(),
  gone: new Set(),
  watched: new Set(),
  outcomes: new Map(),
  entries: 0,
  lived: new Map(),
  isTorn: false,
};
const empty = {
  organisms: new Map(),
  died: new Set<number>(),
  watched: [],
  registry: new Map(),
  sanctions: new Set<string>(),
};
const lost = (act: Acknowledged, world: Partial<typeof empty>, evidence: Partial<Evidence>): number =>
  lostOf([act], { ...empty, ...world }, { ...nothing, ...evidence }, 10).length;

describe('an acknowledged act is lost', () => {
  test('when the journal does not have it', () => {
    const act = { kind: 'noise', radius: 2.5, step: 12 } as const;
    expect(lost(act, {}, {})).toBe(1);
    expect(lost(act, {}, { perturbations: new Set(['noise 2.5 13']) })).toBe(1);
    expect(lost(act, {}, { perturbations: new Set(['noise 2.5 12']) })).toBe(0);
    expect(lost({ kind: 'clear', radius: 9 }, {}, { radii: new Set(['ablate 9']) })).toBe(0);
    expect(lost({ kind: 'clear', radius: 9 }, {}, {})).toBe(1);
  });

  test('when a planted organism neither lives nor has died', () => {
    const act = { kind: 'plant', x: 7, y: 5, step: 12 } as const;
    const planted = new Map([['7 5 12', organism(3, 7, 12)]]);
    expect(lost(act, {}, {})).toBe(1);
    expect(lost(act, {}, { planted })).toBe(1);
    expect(lost(act, { organisms: new Map([[3, organism(3, 7, 12)]]) }, { planted })).toBe(0);
    expect(lost(act, {}, { planted, gone: new Set([3]) })).toBe(0);
    expect(lost(act, { died: new Set([3]) }, { planted })).toBe(0);
  });

  test('when a garden has fewer organisms than were sown since', () => {
    const act = { kind: 'garden', organisms: 2 } as const;
    const sown = [organism(1, 1, 11, ''), organism(2, 2, 9, ''), organism(3, 3, 12)];
    const planted = new Map(sown.map((one) => [String(one.id), one]));
    expect(lost(act, {}, { planted })).toBe(1);
    // One that has grown again was not sown.
    const again = { ...organism(5, 5, 13, ''), plantedSeconds: 20, bornSeconds: 3 };
    expect(lost(act, {}, { planted: planted.set('5', again) })).toBe(1);
    expect(lost(act, {}, { planted: planted.set('4', organism(4, 4, 10, '')) })).toBe(0);
  });

  test('when world and registry disagree about a swap', () => {
    const act = { kind: 'swap', swap: 4 } as const;
    const watched = new Set([4]);
    const registry = new Map([[4, 'watched']]);
    expect(lost(act, { registry }, {})).toBe(1);
    expect(lost(act, { registry }, { watched })).toBe(1);
    expect(lost(act, { registry, watched: [4] as never[] }, { watched })).toBe(0);
    expect(lost(act, { registry: new Map([[4, 'wanted']]), watched: [4] as never[] }, { watched })).toBe(1);
  });

  test('when a body that an admin has removed is there', () => {
    const act = { kind: 'removal', organism: 3 } as const;
    const one = organism(3, 7, 12);
    expect(lost(act, { organisms: new Map([[3, one]]) }, {})).toBe(1);
    expect(lost(act, { organisms: new Map([[3, { ...one, absence: 'removed' }]]) }, {})).toBe(0);
    expect(lost(act, {}, {})).toBe(0);
  });

  test('when the registry does not have a ban, or has one that was lifted', () => {
    const sanctions = new Set(['a']);
    expect(lost({ kind: 'sanction', sanction: 'a' }, { sanctions }, {})).toBe(0);
    expect(lost({ kind: 'sanction', sanction: 'b' }, { sanctions }, {})).toBe(1);
    expect(lost({ kind: 'lifted', sanction: 'a' }, { sanctions }, {})).toBe(1);
    expect(lost({ kind: 'lifted', sanction: 'b' }, { sanctions }, {})).toBe(0);
  });
});
