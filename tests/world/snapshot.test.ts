import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Saves } from '../../server/storage/saves.ts';
import { openSealed, SealError, writeSealed } from '../../server/storage/sealed.ts';
import {
  readSnapshot,
  SNAPSHOTS,
  SnapshotVersionError,
  type WorldState,
  writeSnapshot,
} from '../../server/world/snapshot.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Two pages with a few cells, one organism. */
function stateAt(stepNumber: number): WorldState {
  const page = (index: number) => {
    const cells = new Float32Array(64 * 64 * 16);
    const owners = new Uint16Array(64 * 64);
    for (let cell = 100; cell < 140; cell++) {
      owners[cell] = 7;
      for (let c = 0; c < 16; c++) cells[cell * 16 + c] = Math.sin(cell * 16 + c + stepNumber);
    }
    return { page: index, cells, owners };
  };
  return {
    width: 256,
    height: 128,
    stepNumber,
    randomSeed: 0xffff_ffff,
    runSeconds: 12.5,
    nextId: 8,
    fallow: [{ species: 'blob', x: 3, y: 4, dueSeconds: 12.5 }],
    organisms: [
      {
        id: 7,
        species: 'blob',
        x: 40,
        y: 2,
        planter: 'Ää ✿',
        plantedStep: 3,
        plantedSeconds: 0.1,
        health: 0.75,
        history: [0, 0.5, 0.75],
      },
    ],
    pages: [page(0), page(5)],
  };
}

describe('a snapshot', () => {
  test('gives back every bit that was written', async () => {
    const path = join(folder, 'world');
    await writeSnapshot(path, stateAt(9));
    expect(await readSnapshot(path)).toEqual(stateAt(9));
    expect(readdirSync(folder)).toEqual(['world']);
  });

  test('is refused, never misread, when any bit is flipped', async () => {
    const path = join(folder, 'world');
    await writeSnapshot(path, stateAt(9));
    const sound = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(sound);
        bytes[at] ^= flip;
        writeFileSync(path, bytes);
        await expect(readSnapshot(path)).rejects.toThrow(SealError);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('is refused, never misread, when it is cut short or has bytes after its end', async () => {
    const path = join(folder, 'world');
    await writeSnapshot(path, stateAt(9));
    const sound = readFileSync(path);
    const lengths = [0, 1, 8, 16, 40, 47, 48, 49, sound.length - 1];
    for (let length = 60; length < sound.length; length += 97) lengths.push(length);
    for (const length of lengths) {
      writeFileSync(path, sound.subarray(0, length));
      await expect(readSnapshot(path)).rejects.toThrow(SealError);
    }
    writeFileSync(path, Buffer.concat([sound, Buffer.from([0])]));
    await expect(readSnapshot(path)).rejects.toThrow(SealError);
  });

  test('with wrong page lengths is refused though its checksum holds', async () => {
    const path = join(folder, 'world');
    const header = { ...stateAt(1), pages: 1 };
    for (const body of [
      [],
      [Buffer.alloc(7)],
      [Buffer.alloc(8)],
      [Buffer.from([0, 0, 0, 0, 255, 255, 255, 255])],
    ]) {
      await writeSealed(path, 'REGROW W', 1, header, body);
      await expect(readSnapshot(path)).rejects.toThrow(SealError);
    }
  });

  test('of another format is not called corrupt', async () => {
    const path = join(folder, 'world');
    await writeSealed(path, 'REGROW W', 2, {}, []);
    await expect(readSnapshot(path)).rejects.toThrow(SnapshotVersionError);
  });
});

test('a sealed file of another kind is refused', async () => {
  const path = join(folder, 'file');
  await writeSealed(path, 'REGROW M', 1, { a: 1 }, [Uint8Array.of(1, 2)]);
  const bytes = readFileSync(path);
  expect(openSealed(bytes, 'REGROW M')).toMatchObject({ version: 1, header: { a: 1 } });
  expect(() => openSealed(bytes, 'REGROW W')).toThrow(SealError);
});

describe('saves', () => {
  const noon = new Date('2026-01-01T12:00:00Z');

  test('without a save restores nothing', async () => {
    expect(await new Saves(join(folder, 'none'), SNAPSHOTS).read()).toEqual({ state: null, notes: [] });
  });

  test('the newest is read, and the one before it is kept', async () => {
    const saves = new Saves(join(folder, 'data'), SNAPSHOTS);
    for (const step of [1, 2, 3]) await saves.write(stateAt(step));
    expect(await saves.read()).toEqual({ state: stateAt(3), notes: [] });
    expect((await readSnapshot(saves.previous)).stepNumber).toBe(2);
  });

  test('a corrupt save is set aside with a note, and the one before it is used', async () => {
    const saves = new Saves(folder, SNAPSHOTS);
    for (const step of [1, 2]) await saves.write(stateAt(step));
    writeFileSync(saves.newest, readFileSync(saves.newest).subarray(0, 1000));
    const { state, notes } = await saves.read(noon);
    expect(state?.stepNumber).toBe(1);
    expect(notes).toHaveLength(2);
    expect(notes[0]).toContain('corrupt');
    expect(readdirSync(folder).sort()).toEqual([
      'world.regrow.1',
      'world.regrow.corrupt-2026-01-01T12-00-00.000Z',
    ]);
    // The next save does not disturb what can still be read.
    await saves.write(stateAt(4));
    expect((await saves.read()).state?.stepNumber).toBe(4);
    expect((await readSnapshot(saves.previous)).stepNumber).toBe(1);
  });

  test('when both are corrupt both are set aside and nothing is restored', async () => {
    const saves = new Saves(folder, SNAPSHOTS);
    for (const step of [1, 2]) await saves.write(stateAt(step));
    for (const path of [saves.newest, saves.previous]) writeFileSync(path, 'nonsense');
    const { state, notes } = await saves.read(noon);
    expect(state).toBeNull();
    expect(notes).toHaveLength(2);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  test('a crash between the two renames loses nothing', async () => {
    const saves = new Saves(folder, SNAPSHOTS);
    await saves.write(stateAt(1));
    // As if the process had died with the old save moved and the new one still aside.
    writeFileSync(saves.previous, readFileSync(saves.newest));
    rmSync(saves.newest);
    expect((await saves.read()).state?.stepNumber).toBe(1);
  });

  test('a save from the future stops the start and is left where it is', async () => {
    const saves = new Saves(folder, SNAPSHOTS);
    await writeSealed(saves.newest, 'REGROW W', 99, {}, []);
    await expect(saves.read()).rejects.toThrow('format 99');
    expect(readdirSync(folder)).toEqual(['world.regrow']);
  });

  test('a write that fails leaves the newest save whole', async () => {
    const saves = new Saves(folder, SNAPSHOTS);
    await saves.write(stateAt(1));
    const broken = { ...stateAt(2), pages: [{ ...stateAt(2).pages[0], cells: null as never }] };
    await expect(saves.write(broken)).rejects.toThrow();
    expect((await saves.read()).state?.stepNumber).toBe(1);
  });
});
