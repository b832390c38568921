import { expect, test } from 'vitest';
import { MessageError, readMessage } from '../../../server/rooms/messages.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { mutation } from './mutations.ts';

const WORLD = { width: 512, height: 512 };
const MESSAGES = 4_000;

const mutations = (randomSeed: number): Buffer[] => {
  const draw = seededRandom(randomSeed);
  return Array.from({ length: MESSAGES }, () => mutation(draw));
};

test('the same random seed makes the same messages', () => {
  expect(mutations(3)).toEqual(mutations(3));
  expect(mutations(3)).not.toEqual(mutations(4));
});

test('some follow the protocol, some break it, and none does anything but be refused', () => {
  let [valid, refused] = [0, 0];
  for (const bytes of mutations(5)) {
    if (bytes.length < 2) continue;
    try {
      readMessage(bytes[1], bytes.subarray(2), WORLD);
      valid++;
    } catch (error) {
      expect(error).toBeInstanceOf(MessageError);
      refused++;
    }
  }
  expect(valid).toBeGreaterThan(MESSAGES / 20);
  expect(refused).toBeGreaterThan(MESSAGES / 4);
});

test('some are empty, some longer than the server reads, some of no known kind', () => {
  const all = mutations(6);
  expect(all.some(({ length }) => length === 0)).toBe(true);
  expect(all.some(({ length }) => length > 8_192)).toBe(true);
  expect(all.some(([first]) => first !== undefined && first !== 13)).toBe(true);
});
