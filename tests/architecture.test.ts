import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const IMPORT = /(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+|[^'.][^']*)'/g;

interface Import {
  readonly file: string;
  readonly target: string;
}

/** Every import of ours: relative ones resolved to a path from the root, packages by name. */
const imports: Import[] = globSync(['server/**/*.ts', 'client/**/*.ts', 'shared/**/*.ts'], { cwd: root })
  .filter((file) => !file.includes('/assembly/'))
  .flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(IMPORT)].map(([, target]) => ({
      file,
      target: target.startsWith('.') ? relative(root, join(root, dirname(file), target)) : target,
    })),
  );

const offenders = (from: RegExp, to: RegExp): string[] =>
  imports.filter((i) => from.test(i.file) && to.test(i.target)).map((i) => `${i.file} → ${i.target}`);

describe('imports point one way: client → shared ← server', () => {
  test('the scan finds imports at all', () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(offenders(/^server\/main\.ts$/, /^server\//)).not.toEqual([]);
  });

  test.each([
    ['shared imports neither side, nor any package', /^shared\//, /^(server|client)\/|^[^.s]/],
    ['the client does not import the server', /^client\//, /^server\//],
    ['the server does not import the client', /^server\//, /^client\//],
    ['nothing imports main', /./, /^(server|client)\/main\.ts$/],
    [
      'engines know nothing of networking, the world or players',
      /^server\/engines\//,
      /^server\/(world|stream|rooms|http|storage|training)\/|colyseus|^ws$/,
    ],
    ['rooms and HTTP know no engine', /^server\/(rooms|http)\//, /^server\/engines\//],
    [
      'what streams knows no engine and no room',
      /^server\/stream\//,
      /^server\/(engines|rooms|http|storage)\/|colyseus/,
    ],
    [
      'the running server does not import training',
      /^server\/(main|config|world|engines|stream|rooms|http|storage|sessions)/,
      /^server\/training\//,
    ],
  ])('%s', (_rule, from, to) => {
    expect(offenders(from, to)).toEqual([]);
  });
});

test('only config.ts reads the environment', () => {
  const readers = globSync(['server/**/*.ts', 'shared/**/*.ts'], { cwd: root }).filter((file) =>
    readFileSync(join(root, file), 'utf8').includes('process.env'),
  );
  // main hands it to config and reads nothing itself.
  expect(readers.filter((file) => file !== 'server/main.ts' && file !== 'server/config.ts')).toEqual([]);
});

test('no sprite image is committed', () => {
  expect(
    globSync(['{server,client,shared,weights,tests}/**/*.{png,gif,jpg,jpeg,webp}'], { cwd: root }).filter(
      (f) => !f.startsWith('tests/browser/screenshots'),
    ),
  ).toEqual([]);
});
