import { expect, test } from 'vitest';
import { wiltLine, wiltNotice } from '../../server/rooms/wiltNotice.ts';
import type { WiltedBody } from '../../server/world/wilting.ts';

const VIEW = { x: 100, y: 50, width: 20, height: 10 };
const body = (facts: Partial<WiltedBody> = {}): WiltedBody => ({
  organism: 12,
  species: 'gengar',
  label: 'gengar v2',
  x: 110,
  y: 55,
  planter: '',
  guest: '',
  cause: 'too large',
  ...facts,
});

test('the notice names the species and the cause', () => {
  const told = (cause: WiltedBody['cause']) => wiltNotice([body({ cause })], VIEW, 'Ann');
  expect(told('too large')).toBe('A Gengar has outgrown itself: it wilts and grows again from its seed.');
  expect(told('two bodies')).toBe('A Gengar has become two bodies: it wilts and grows again from its seed.');
  expect(told('out of shape')).toBe(
    'A Gengar has lost its shape and does not heal: it wilts and grows again from its seed.',
  );
  expect(told('out of range')).toBe(
    'A Gengar has burst out of its colours: it wilts and grows again from its seed.',
  );
});

test('only its planter is told of a body outside the view', () => {
  for (const place of [{ x: 99 }, { x: 120 }, { y: 49 }, { y: 60 }]) {
    expect(wiltNotice([body(place)], VIEW, 'Ann')).toBeNull();
    expect(wiltNotice([body({ ...place, guest: 'Ann' })], VIEW, 'Ann')).not.toBeNull();
    expect(wiltNotice([body({ ...place, guest: 'Bob' })], VIEW, 'Ann')).toBeNull();
  }
  expect(wiltNotice([body({ x: 100, y: 50 })], VIEW, 'Ann')).not.toBeNull();
  expect(wiltNotice([body()], null, 'Ann')).toBeNull();
});

test('several bodies in one frame make one notice with their number', () => {
  const bodies = [body(), body({ organism: 13 }), body({ organism: 14, x: 0 })];
  expect(wiltNotice(bodies, VIEW, 'Ann')).toBe(
    '2 organisms are sick: they wilt and grow again from their seeds.',
  );
});

test('the log names organism, rule, place, planter and cause', () => {
  expect(wiltLine(body())).toBe('organism 12, a Gengar by gengar v2 at (110, 55), wilts: too large');
  expect(wiltLine(body({ planter: 'Ann' }))).toContain('planted by Ann');
});
