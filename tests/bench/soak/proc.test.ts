import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  folderMiB,
  machineTicks,
  parseMachineStat,
  parseRunDelay,
  parseStat,
  ticksOf,
  useOf,
  waitedSeconds,
} from './proc.ts';

test('a stat is read after the name, even if the name has blanks and brackets', () => {
  const rest = 'S 812 900 900 0 -1 4194304 100 0 0 0 250 40 7 3 20 0 12 0 5000';
  expect(parseStat(`4711 (node) ${rest}`)).toEqual({ parent: 812, ticks: 290 });
  expect(parseStat(`4711 (a) (b 1 2 3) ${rest}`)).toEqual({ parent: 812, ticks: 290 });
});

test('a text that is not a stat is refused', () => {
  expect(() => parseStat('')).toThrow(RangeError);
  expect(() => parseStat('4711 (node) S x')).toThrow(RangeError);
});

test('the machine is busy in all ticks but idle, waiting and stolen ones', () => {
  expect(parseMachineStat('cpu  100 20 30 4000 500 6 7 80 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n')).toBe(163);
  expect(() => parseMachineStat('intr 5 6 7\n')).toThrow(RangeError);
  expect(() => parseMachineStat('cpu  1 2\n')).toThrow(RangeError);
});

test('the time for which a thread waited is the second of three numbers', () => {
  expect(parseRunDelay('5300 1200 17\n')).toBe(1_200);
  expect(() => parseRunDelay('5300 1200')).toThrow(RangeError);
  expect(() => parseRunDelay('')).toThrow(RangeError);
});

test.skipIf(process.platform !== 'linux')(
  'this process uses memory and descriptors; one that is gone nothing',
  () => {
    const use = useOf(process.pid)!;
    expect(use.rssMiB).toBeGreaterThan(10);
    expect(use.descriptors).toBeGreaterThan(2);
    expect(use.ticks).toBeGreaterThan(0);
    // Beyond the largest pid of Linux.
    expect(useOf(2 ** 22 + 1)).toBeNull();
    expect(ticksOf(process.pid)).toBeGreaterThan(0);
    expect(ticksOf(2 ** 22 + 1)).toBeNull();
    expect(machineTicks()).toBeGreaterThanOrEqual(ticksOf(process.pid)!);
    expect(waitedSeconds(process.pid)).toBeGreaterThanOrEqual(0);
    expect(waitedSeconds(2 ** 22 + 1)).toBeNull();
  },
);

test('a folder is as large as the files in it and below', () => {
  const folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  try {
    writeFileSync(join(folder, 'a'), new Uint8Array(2 ** 20));
    mkdirSync(join(folder, 'below'));
    writeFileSync(join(folder, 'below', 'b'), new Uint8Array(2 ** 19));
    expect(folderMiB(folder)).toBe(1.5);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
