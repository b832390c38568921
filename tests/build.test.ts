/** The kernels in the repository, and how they are built again: on copies of the repository. */
import { execFile } from 'node:child_process';
import { appendFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ScratchCopy, scratchCopy } from './scratchCopy.ts';

const root = join(import.meta.dirname, '..');
const CODEC = 'shared/codec/built/codec.wasm';

/** @returns its exit code and all that it printed */
function build(folder: string, ...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise((done) => {
    const child = execFile(process.execPath, ['server/build.ts', ...args], { cwd: folder }, (_, out, err) =>
      done({ code: child.exitCode ?? -1, said: out + err }),
    );
  });
}

test('every kernel in the repository is, to the byte, what its sources give', async () => {
  const { code, said } = await build(root, '--verify');
  const kernels = globSync('{server,shared}/**/built/*.wasm', { cwd: root, exclude: ['**/node_modules'] });
  expect(said.split('\n').slice(0, -1).sort()).toEqual(
    kernels.map((kernel) => `${kernel} is what its sources give`).sort(),
  );
  expect(code).toBe(0);
});

describe('a kernel of other sources', () => {
  let copy: ScratchCopy;
  const path = (file: string): string => join(copy.path, file);
  const source = 'shared/codec/assembly/layout.ts';

  beforeAll(() => {
    copy = scratchCopy();
  });
  afterAll(() => copy.dispose());

  test('is compiled again in place, once, and by nothing but an edit of a source', async () => {
    const before = readFileSync(path(CODEC));
    expect(await build(copy.path, 'codec')).toEqual({ code: 0, said: '' });
    // A checkout on Windows may have other line ends; they are no edit.
    const text = readFileSync(path(source), 'utf8');
    writeFileSync(path(source), text.replaceAll('\n', '\r\n'));
    expect(await build(copy.path, 'codec')).toEqual({ code: 0, said: '' });
    writeFileSync(path(source), `${text}\nexport const unused = 1;\n`);
    expect(await build(copy.path, 'codec')).toEqual({ code: 0, said: `built ${CODEC}\n` });
    expect(await build(copy.path, 'codec')).toEqual({ code: 0, said: '' });
    expect(readFileSync(path(CODEC)).equals(before)).toBe(false);
    writeFileSync(path(source), text);
    await build(copy.path, 'codec');
    expect(readFileSync(path(CODEC)).equals(before)).toBe(true);
  });

  test('is reported by --verify, which changes nothing', async () => {
    const wasm = readFileSync(path(CODEC));
    wasm[wasm.length - 100] ^= 1;
    writeFileSync(path(CODEC), wasm);
    const { code, said } = await build(copy.path, '--verify', 'codec');
    expect({ code, said }).toEqual({
      code: 1,
      said: `not what the sources give: ${CODEC}; run \`npm run build\` and commit them\n`,
    });
    expect(readFileSync(path(CODEC)).equals(wasm)).toBe(true);
  });

  test('says what to install where the compiler is missing', async () => {
    rmSync(path('node_modules'));
    appendFileSync(path(source), '\nexport const unused = 1;\n');
    const { code, said } = await build(copy.path, 'codec');
    expect(code).toBe(1);
    expect(said).toBe(
      `${CODEC} has to be compiled, and the package assemblyscript is missing: run \`npm ci\` without --omit=dev\n`,
    );
    // Without an edit nothing is missing.
    writeFileSync(path(source), readFileSync(join(root, source)));
    writeFileSync(path(CODEC), readFileSync(join(root, CODEC)));
    expect(await build(copy.path, 'codec')).toEqual({ code: 0, said: '' });
  });
});
