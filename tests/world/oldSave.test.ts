/** Saves of format 1, as the fixture holds one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSealed, SealError, writeSealed } from '../../server/storage/sealed.ts';
import { readOldSave } from '../../server/world/oldSave.ts';
import { fixture, hashPages } from '../fixtures/dataDirectory.ts';
import { stateAt } from './smallState.ts';

const { folder: kept, expected } = fixture('dataDirectory-1');
const sound = readFileSync(join(kept, 'saved/world.regrow'));
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  path = join(folder, 'world');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a save of format 1', () => {
  test('gives back what was written', async () => {
    writeFileSync(path, sound);
    const { stepNumber, organisms, pages } = await readOldSave(path);
    expect([stepNumber, organisms, hashPages(pages)]).toEqual([
      expected.step,
      expected.organisms,
      expected.cells,
    ]);
  });

  test('is refused, never misread, when any bit is flipped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(sound);
        bytes[at] ^= flip;
        writeFileSync(path, bytes);
        await expect(readOldSave(path)).rejects.toThrow(SealError);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('is refused, never misread, when it is cut short or has bytes after its end', async () => {
    const lengths = [0, 1, 8, 16, 40, 47, 48, 49, sound.length - 1];
    for (let length = 60; length < sound.length; length += 97) lengths.push(length);
    for (const length of lengths) {
      writeFileSync(path, sound.subarray(0, length));
      await expect(readOldSave(path)).rejects.toThrow(SealError);
    }
    writeFileSync(path, Buffer.concat([sound, Buffer.from([0])]));
    await expect(readOldSave(path)).rejects.toThrow(SealError);
  });

  test('with wrong page lengths is refused though its checksum holds', async () => {
    const header = { ...stateAt(1), pages: 1 };
    for (const body of [
      [],
      [Buffer.alloc(7)],
      [Buffer.alloc(8)],
      [Buffer.from([0, 0, 0, 0, 255, 255, 255, 255])],
    ]) {
      await writeSealed(path, 'REGROW W', 1, header, body);
      await expect(readOldSave(path)).rejects.toThrow(SealError);
    }
  });
});

test('a sealed file of another kind is refused', async () => {
  await writeSealed(path, 'REGROW M', 1, { a: 1 }, [Uint8Array.of(1, 2)]);
  const bytes = readFileSync(path);
  expect(openSealed(bytes, 'REGROW M')).toMatchObject({ version: 1, header: { a: 1 } });
  expect(() => openSealed(bytes, 'REGROW W')).toThrow(SealError);
});
