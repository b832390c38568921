import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BundleError, bundle, unbundle } from '../../server/store/bundle.ts';

const NAMES = ['job.json', 'checkpoint.bin', 'result.json', 'film.png'];

let from: string;
let to: string;
beforeEach(() => {
  from = mkdtempSync(join(tmpdir(), 'regrow-bundle-'));
  to = mkdtempSync(join(tmpdir(), 'regrow-bundle-'));
});
afterEach(() => {
  for (const folder of [from, to]) rmSync(folder, { recursive: true });
});

test('what is bundled comes out byte for byte, and what is not there is left out', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...NAMES), fc.uint8Array({ maxLength: 300 })), (files) => {
      for (const folder of [from, to]) for (const name of readdirSync(folder)) rmSync(join(folder, name));
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(from, name), bytes);
      unbundle(bundle(from, NAMES), to, 'result.json');
      expect(readdirSync(to).sort()).toEqual(Object.keys(files).sort());
      for (const [name, bytes] of Object.entries(files))
        expect(Buffer.compare(readFileSync(join(to, name)), bytes)).toBe(0);
    }),
    { seed: 1, numRuns: 30 },
  );
});

test('a bundle that is cut off, changed or empty is refused, and nothing is written', () => {
  writeFileSync(join(from, 'job.json'), '{}');
  writeFileSync(join(from, 'film.png'), 'film');
  const whole = bundle(from, NAMES);
  for (let length = 0; length < whole.length; length++)
    expect(() => unbundle(whole.subarray(0, length), to)).toThrow(BundleError);
  expect(() => unbundle(Buffer.concat([whole, Buffer.from('x')]), to)).toThrow(BundleError);
  expect(readdirSync(to)).toEqual([]);
});

test.each(['../job.json', '/job.json', 'a/b.json', '.job.json', 'job', ''])('no file is named %j', (name) => {
  const header = Buffer.from(JSON.stringify([[name, 0]]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  expect(() => unbundle(Buffer.concat([length, header]), to)).toThrow(BundleError);
});

test('any bytes are a bundle or a BundleError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        unbundle(bytes, to);
      } catch (error) {
        expect(error).toBeInstanceOf(BundleError);
      }
    }),
    { seed: 2, numRuns: 300 },
  );
});
