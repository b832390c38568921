import { describe, expect, test } from 'vitest';
import {
  cardText,
  healthText,
  inOrder,
  keepOrder,
  newsText,
  summaryText,
} from '../../../client/lobby/words.ts';
import type { LobbyWorld } from '../../../shared/lobby.ts';

const world = (name: string, more: Partial<LobbyWorld> = {}): LobbyWorld => ({
  ...{ name, title: name.toUpperCase(), state: 'awake', players: 0, bodies: 48, growing: 0 },
  ...{ health: 1, picture: null, ...more },
});
const names = (worlds: readonly LobbyWorld[]): string[] => worlds.map(({ name }) => name);

test.each<[Partial<LobbyWorld>, string]>([
  [{}, 'All whole'],
  [{ health: 0.9 }, 'Healing'],
  [{ health: 0.5 }, 'Badly hurt'],
  [{ growing: 3, health: 1 }, '3 growing back'],
  [{ bodies: 0, health: null }, 'Nothing grows here yet'],
  [{ bodies: null, health: null }, ''],
  [{ state: 'resting', health: 1 }, ''],
])('how bodies fare: %j is "%s"', (more, text) => {
  expect(healthText(world('a', more))).toBe(text);
});

test('a card says all that it shows in one sentence', () => {
  expect(cardText(world('reef', { title: 'Reef', players: 2, health: 0.9 }))).toBe(
    'Reef, 2 people, 48 bodies, health 90 %, Healing',
  );
  expect(cardText(world('reef', { title: 'Reef', state: 'resting' }))).toBe(
    'Reef, Resting: it cannot be reached',
  );
});

test('worlds with people come first, those that cannot be reached last', () => {
  const worlds = [
    world('gone', { state: 'resting', players: 9 }),
    world('b'),
    world('a'),
    world('full', { players: 3 }),
  ];
  expect(names(inOrder(worlds))).toEqual(['full', 'a', 'b', 'gone']);
});

test('nothing that is shown moves: new ones come at the end', () => {
  const worlds = [world('c', { players: 9 }), world('new', { players: 5 }), world('a'), world('b')];
  expect(names(keepOrder(['b', 'gone', 'a', 'c'], worlds))).toEqual(['b', 'a', 'c', 'new']);
});

describe('what is said aloud', () => {
  test('is who opens, closes, or can no longer be reached', () => {
    const before = [world('a'), world('b'), world('c')];
    const after = [world('a', { state: 'resting' }), world('b'), world('d')];
    expect(newsText(before, after)).toBe('A cannot be reached. D has opened. C has closed.');
  });

  test('is not how many people there are, nor how bodies fare', () => {
    expect(newsText([world('a')], [world('a', { players: 7, health: 0.2, growing: 4 })])).toBe('');
  });
});

test('the summary counts worlds and people', () => {
  expect(summaryText([world('a', { players: 1 })])).toBe('1 world, 1 person');
  expect(summaryText([world('a', { players: 1 }), world('b', { players: 2 })])).toBe('2 worlds, 3 people');
  expect(summaryText([world('a'), world('b')])).toBe('2 worlds');
  expect(summaryText([])).toBe('No world is awake yet. The first one appears here.');
});
