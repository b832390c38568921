import { expect, test } from 'vitest';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { hostileNames, nameFault, nameMessage } from './hostileNames.ts';

test('a thousand names, the same for the same random seed', () => {
  const names = hostileNames(seededRandom(1));
  expect(names).toHaveLength(1_000);
  expect(hostileNames(seededRandom(1))).toEqual(names);
  expect(hostileNames(seededRandom(2))).not.toEqual(names);
  expect(new Set(names.map((name) => name.toString('hex'))).size).toBeGreaterThan(500);
});

test('every kind of fault is among them, and names that are faultless', () => {
  const read = hostileNames(seededRandom(1)).flatMap((bytes) => {
    try {
      return [(decodeMsgpack(bytes) as { name: string }).name];
    } catch {
      // Not UTF-8, for a reader that refuses it.
      return [];
    }
  });
  expect(new Set(read.map(nameFault))).toEqual(
    new Set(['broken text', 'invisible', 'turns or controls', 'a tower of marks', 'reserved', null]),
  );
});

test('a name message carries bytes as they are', () => {
  expect(decodeMsgpack(nameMessage(Buffer.from('Zoë 🦊')))).toEqual({ name: 'Zoë 🦊' });
  const broken = nameMessage(Uint8Array.of(0xed, 0xa0, 0x80));
  expect([...broken.subarray(-3)]).toEqual([0xed, 0xa0, 0x80]);
});

test.each([
  'Ann',
  'Zoë',
  'Jade Newt 12',
  '李小龍',
  'Мария',
  '👨‍👩‍👧',
  'प्रिया',
  'administrator of bees',
  'a?b',
])('%s is a name like others', (name) => {
  expect(nameFault(name)).toBeNull();
});

test.each([
  ['', 'invisible'],
  ['\u3164', 'invisible'],
  ['\u2800\u2800', 'invisible'],
  ['\uffa0 \u115f', 'invisible'],
  ['Bob \ud800', 'broken text'],
  ['Bob \ufffd', 'broken text'],
  ['Bob ???', 'broken text'],
  ['\u202enimdA', 'turns or controls'],
  ['a\nb', 'turns or controls'],
  [`Z${'\u0301'.repeat(4)}`, 'a tower of marks'],
  ['Admin', 'reserved'],
  ['the  server', 'reserved'],
  ['\u0430dmin', 'reserved'],
  ['Ad\u200bmin', 'reserved'],
  ['\uff21\uff44\uff4d\uff49\uff4e', 'reserved'],
])('%j is %s', (name, fault) => {
  expect(nameFault(name)).toBe(fault);
});
