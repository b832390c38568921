import { expect, test } from 'vitest';
import { decodeMsgpack } from '../../server/rooms/msgpack.ts';
import { Players } from '../../server/rooms/players.ts';
import type { PlayersMessage } from '../../shared/protocol.ts';

class Ear {
  open = true;
  readonly heard: PlayersMessage[] = [];
  postEncoded(bytes: Uint8Array): boolean {
    if (this.open) this.heard.push(decodeMsgpack(bytes.subarray(2)) as PlayersMessage);
    return this.open;
  }
}

function crowd(size: number): { players: Players; ears: Ear[] } {
  const players = new Players();
  const ears = Array.from({ length: size }, (_, i) => {
    const ear = new Ear();
    players.join({ id: `p${i}`, name: `n${i}`, hue: i, cursor: null }, ear);
    return ear;
  });
  players.tick();
  for (const ear of ears) ear.heard.length = 0;
  return { players, ears };
}

test('a change is sent once, and no message is sent without a change', () => {
  const { players, ears } = crowd(3);
  // The arrival of the newcomers is a change too.
  players.tick();
  for (const ear of ears) ear.heard.length = 0;
  players.change('p1', { cursor: [1, 2] });
  players.change('p1', { cursor: [3, 4] });
  players.tick();
  players.tick();
  expect(ears[0].heard).toEqual([
    { full: false, players: [{ id: 'p1', name: 'n1', hue: 1, cursor: [3, 4] }], left: [], strokes: [] },
  ]);
});

test('a listener that could not be reached gets the whole list once it can be', () => {
  const { players, ears } = crowd(3);
  ears[0].open = false;
  players.change('p1', { name: 'Misty' });
  players.leave('p2');
  players.tick();
  ears[0].open = true;
  players.tick();
  expect(ears[0].heard).toHaveLength(1);
  expect(ears[0].heard[0]).toMatchObject({ full: true, left: [] });
  expect(ears[0].heard[0].players.map(({ name }) => name)).toEqual(['n0', 'Misty']);
});

test('a crowd that moves at once is sent in messages of bounded size, and completely', () => {
  const { players, ears } = crowd(300);
  for (let i = 0; i < 300; i++) players.change(`p${i}`, { cursor: [i, i] });
  for (let tick = 0; tick < 5; tick++) players.tick();
  const heard = ears[0].heard;
  expect(Math.max(...heard.map((message) => message.players.length))).toBe(64);
  expect(new Set(heard.flatMap((message) => message.players.map(({ id }) => id))).size).toBe(300);
});

test('a stroke is sent once; in a flood of strokes the oldest are dropped', () => {
  const { players, ears } = crowd(1);
  for (let i = 0; i < 500; i++) players.stroke({ player: 'p0', tool: 'noise', radius: i, points: [0, 0] });
  for (let tick = 0; tick < 5; tick++) players.tick();
  const radii = ears[0].heard.flatMap(({ strokes }) => strokes.map(({ radius }) => radius));
  expect(radii).toEqual(Array.from({ length: 128 }, (_, i) => 372 + i));
});
