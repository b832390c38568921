import { expect, test } from 'vitest';
import { type Deed, Deeds, MAX_GUESTS, MAX_PLANTINGS, MAX_STROKES } from '../../server/guests/deeds.ts';

let at = 0;
const deed = (guest: string, tool: Deed['tool'] = 'ablate'): Deed => ({
  ...{ at: ++at, step: at, guest, name: guest, address: '10.0.0.1', tool },
  ...{ x: 1, y: 2, radius: 3, organisms: [7] },
});

test('the newest come first, of one guest and of all', () => {
  const deeds = new Deeds();
  const [one, two, three] = [deed('ann'), deed('bob'), deed('ann', 'plant')];
  for (const each of [one, two, three]) deeds.add(each);
  expect(deeds.of('ann')).toEqual([three, one]);
  expect(deeds.all(2)).toEqual([three, two]);
  expect(deeds.of('nobody')).toEqual([]);
});

test('a flood of strokes hides neither the guest’s plantings nor anybody else’s deeds', () => {
  const deeds = new Deeds();
  const planted = deed('vandal', 'plant');
  const honest = deed('ann');
  deeds.add(planted);
  deeds.add(honest);
  for (let i = 0; i < 10_000; i++) deeds.add(deed('vandal'));
  expect(deeds.of('vandal')).toHaveLength(MAX_STROKES + 1);
  expect(deeds.of('vandal').at(-1)).toEqual(planted);
  expect(deeds.of('ann')).toEqual([honest]);
  for (let i = 0; i < 100; i++) deeds.add(deed('vandal', 'plant'));
  expect(deeds.of('vandal').filter(({ tool }) => tool === 'plant')).toHaveLength(MAX_PLANTINGS);
});

test('of more guests than are remembered, those who did something last stay', () => {
  const deeds = new Deeds();
  deeds.add(deed('first'));
  for (let i = 1; i < MAX_GUESTS; i++) deeds.add(deed(`guest ${i}`));
  deeds.add(deed('first'));
  deeds.add(deed('one more'));
  expect(deeds.of('first')).toHaveLength(2);
  expect(deeds.of('guest 1')).toEqual([]);
});
