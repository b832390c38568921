import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const SOURCES = globSync('{server,client,shared}/**/*.ts', { cwd: root });
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** `import … from '…'`, `export … from '…'`, `import '…'` and `import('…')`. */
const IMPORT = /(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+|[^'.][^']*)'/g;
/** Threads and processes name their entry so: `new URL('./worker.ts', import.meta.url)`. */
const ENTRY = /(?:new URL\(\s*|import\.meta\.dirname,\s*)'([^'\s]+\.ts)'/g;

interface Import {
  readonly file: string;
  /** A path from the root, or the name of a package. */
  readonly target: string;
  readonly isPackage: boolean;
  /** The target runs in a thread or process of its own. */
  readonly isEntry: boolean;
}

/** AssemblyScript leaves the ending out. */
const withEnding = (target: string): string => (/\.\w+$/.test(target) ? target : `${target}.ts`);

function importsOf(file: string): Import[] {
  const text = textOf(file);
  const resolved = (target: string): string => relative(root, join(root, dirname(file), withEnding(target)));
  return [
    ...Array.from(text.matchAll(IMPORT), ([, target]) => {
      const isPackage = !target.startsWith('.');
      return { file, target: isPackage ? target : resolved(target), isPackage, isEntry: false };
    }),
    ...Array.from(text.matchAll(ENTRY), ([, target]) => {
      return { file, target: resolved(target), isPackage: false, isEntry: true };
    }),
  ];
}

const imports = SOURCES.flatMap(importsOf);
const shown = ({ file, target }: Import): string => `${file} → ${target}`;

/** What lies directly in `folder` ('' is the root) and holds the file; null: the file is elsewhere. */
function childOf(folder: string, file: string): string | null {
  const prefix = folder === '' ? '' : `${folder}/`;
  return file.startsWith(prefix) ? file.slice(prefix.length).split('/')[0] : null;
}

/**
 * The imports that run in a circle between the children of one folder. A child is a file or a whole folder, so a
 * file beside a folder may import it and be imported by another file, and two folders may not import each other.
 */
function circlesIn(folder: string, all: readonly Import[]): string[] {
  const between = all.flatMap((one) => {
    const from = childOf(folder, one.file);
    const to = childOf(folder, one.target);
    return one.isPackage || from === null || to === null || from === to ? [] : [{ from, to, one }];
  });
  const next = Map.groupBy(between, ({ from }) => from);
  const reaches = (from: string, to: string, seen = new Set([from])): boolean =>
    (next.get(from) ?? []).some((edge) => {
      if (edge.to === to) return true;
      if (seen.has(edge.to)) return false;
      seen.add(edge.to);
      return reaches(edge.to, to, seen);
    });
  return between.filter(({ from, to }) => reaches(to, from)).map(({ one }) => shown(one));
}

/** Every folder that holds a file, however deep, and the root. */
const folders = [
  ...new Set(
    SOURCES.flatMap((file) => {
      const parts = file.split('/').slice(0, -1);
      return ['', ...parts.map((_, i) => parts.slice(0, i + 1).join('/'))];
    }),
  ),
].sort();

describe('no circles', () => {
  const between = (file: string, target: string): Import => ({
    file,
    target,
    isPackage: false,
    isEntry: false,
  });

  test('a circle of files, of folders and of folders through a third is found', () => {
    expect(circlesIn('a', [between('a/x.ts', 'a/y.ts'), between('a/y.ts', 'a/x.ts')])).toHaveLength(2);
    const folderCircle = [between('a/b/x.ts', 'a/c/d/y.ts'), between('a/c/z.ts', 'a/b/w.ts')];
    expect(circlesIn('a', folderCircle)).toHaveLength(2);
    expect(circlesIn('', folderCircle)).toEqual([]);
    const long = [
      between('a/b/x.ts', 'a/c/x.ts'),
      between('a/c/y.ts', 'a/d/x.ts'),
      between('a/d/y.ts', 'a/b/y.ts'),
    ];
    expect(circlesIn('a', [...long, between('a/e.ts', 'a/b/x.ts')])).toEqual(long.map(shown));
  });

  test('a file beside a folder may stand above it and another below it', () => {
    expect(circlesIn('a', [between('a/create.ts', 'a/b/x.ts'), between('a/b/x.ts', 'a/engine.ts')])).toEqual(
      [],
    );
  });

  test.each(folders)('what lies in /%s imports in no circle', (folder) => {
    expect(circlesIn(folder, imports)).toEqual([]);
  });

  test('the scan sees every folder, and the entries of threads and processes', () => {
    for (const folder of ['', 'server/tuner', 'server/admin', 'server/engines/wasm/assembly', 'client/scene'])
      expect(folders).toContain(folder);
    const entries = imports.filter(({ isEntry }) => isEntry).map(({ target }) => target);
    for (const entry of [
      'server/world/worker.ts',
      'server/tuner/process.ts',
      'client/stream/decodeWorker.ts',
    ])
      expect(entries).toContain(entry);
  });
});

const offenders = (from: RegExp, isForbidden: (one: Import) => boolean): string[] =>
  imports.filter((one) => from.test(one.file) && isForbidden(one)).map(shown);
const to =
  (pattern: RegExp) =>
  ({ target }: Import): boolean =>
    pattern.test(target);

/** Files that a program loads, from its entry on; other threads and processes are programs of their own. */
function loadedFrom(entry: string): string[] {
  const loaded = new Set([entry]);
  for (const file of loaded)
    for (const one of imports)
      if (one.file === file && !one.isEntry && !one.isPackage) loaded.add(one.target);
  return [...loaded];
}

describe('imports point one way: client → shared ← server', () => {
  test('the scan finds imports at all', () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(offenders(/^server\/main\.ts$/, to(/^server\//))).not.toEqual([]);
    expect(offenders(/^client\//, ({ isPackage }) => isPackage)).not.toEqual([]);
  });

  test('every import of ours is of a file that is there', () => {
    const known = new Set([...SOURCES, ...globSync('client/**/*.css', { cwd: root })]);
    const missing = imports.filter(({ target, isPackage }) => !isPackage && !known.has(target));
    expect(missing.map(shown)).toEqual([]);
  });

  test.each<[string, RegExp, (one: Import) => boolean]>([
    [
      'shared imports neither side, nor any package',
      /^shared\//,
      ({ target, isPackage }) => isPackage || !target.startsWith('shared/'),
    ],
    ['the client does not import the server', /^client\//, to(/^server\//)],
    ['the server does not import the client', /^server\//, to(/^client\//)],
    ['nothing imports main', /./, to(/^(server|client|client\/admin)\/main\.ts$/)],
    ['nothing but a command imports a command', /^(?!server\/commands\/)/, to(/^server\/commands\//)],
    [
      'engines know nothing of networking, the world, players or training',
      /^server\/engines\//,
      to(/^server\/(?!engines\/|rules\/)|colyseus|^ws$/),
    ],
    [
      'rules know nothing of what runs, trains or judges them',
      /^server\/rules\//,
      to(/^server\/(?!rules\/|files\/)/),
    ],
    ['rooms and HTTP know no engine', /^server\/(rooms|http|server\.ts)/, to(/^server\/engines\//)],
    [
      'what streams knows no world, no engine and no room',
      /^server\/stream\//,
      to(/^server\/(?!stream\/)|colyseus/),
    ],
    [
      'what publishes and what delivers do not know each other',
      /^server\/stream\/(publish|deliver)\//,
      ({ file, target }) =>
        target.startsWith('server/stream/') && /^server\/stream\/\w+\//.test(target)
          ? dirname(file) !== dirname(target)
          : false,
    ],
    [
      'the simulation thread knows no socket, no session and no admin',
      /^server\/world\//,
      to(/^server\/(rooms|http|links|sessions|swaps|admin|tuner|server\.ts|stream\/deliver)|colyseus|^ws$/),
    ],
    [
      'training does not import what judges rules',
      /^server\/training\//,
      to(/^server\/(evaluation|tuner)\//),
    ],
    [
      'what is drawn knows no panel',
      /^client\/(scene|hands|stream|net|style)\//,
      to(/^client\/(hud|admin)\//),
    ],
    ['hands know no picture', /^client\/hands\//, to(/^client\/(scene|hud|admin)\//)],
  ])('%s', (_rule, from, isForbidden) => {
    expect(offenders(from, isForbidden)).toEqual([]);
  });

  test.each(['server/main.ts', 'server/world/worker.ts', 'server/world/probeWorker.ts'])(
    '%s loads neither training nor evaluation',
    (entry) => {
      const loaded = loadedFrom(entry);
      expect(loaded.length).toBeGreaterThan(10);
      expect(loaded.filter((file) => /^server\/(training|evaluation)\//.test(file))).toEqual([]);
    },
  );
});

test('what a store needs is loaded only with a store: nothing imports it but for its types, or when asked', () => {
  const LOADS =
    /^import (?!type\b)[^;]*? from '[^']*\/(?:(?:store|workers)\/[^']*|storedWorld\.ts)'|^import [^;]*? from '(?:pg|pg-boss|aws4fetch)'/m;
  expect("import { Worker } from './workers/worker.ts';").toMatch(LOADS);
  expect("import { verifyStored } from '../upkeep/storedWorld.ts';").toMatch(LOADS);
  expect("import type { Owner } from '../store/ownership.ts';").not.toMatch(LOADS);
  const users = SOURCES.filter(
    (file) => !/^server\/(?:(?:store|workers)\/|upkeep\/storedWorld\.ts$)/.test(file),
  );
  expect(users.filter((file) => LOADS.test(textOf(file)))).toEqual([]);
});

describe('the environment', () => {
  /** `process.env`, `process['env']`, `{ env } = process`, and `env` imported from the module. */
  const READS =
    /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\s*\[\s*['"`]env|\benv\b[^;{}]*\}\s*=\s*process\b|import[^;]*\benv\b[^;]*from\s*['"](?:node:)?process['"]/;

  test.each([
    'const { env } = process;',
    "import { env } from 'node:process';",
    "import { argv, env as e } from 'process';",
    'process.env.X',
    "process['env']",
  ])('the scan sees %s', (text) => {
    expect(text).toMatch(READS);
  });

  test('is read by config.ts, and elsewhere only where it says why', () => {
    const readers = SOURCES.filter((file) => READS.test(textOf(file)));
    expect(readers.sort()).toEqual([
      'server/config.ts',
      // Hands it to config and reads nothing itself, as main does.
      'server/dev.ts',
      // Writes what Vulkan's loader, a C library, reads; nothing else can tell the loader where its driver is.
      'server/engines/webgpu/swiftshader.ts',
      // All three hand it to config and read nothing themselves.
      'server/main.ts',
      'server/serve/relay.ts',
      'server/service/health.ts',
    ]);
  });
});

test('sheets that come later style nothing of the page that is there: no two folders share a class', () => {
  const owners = new Map<string, Set<string>>();
  for (const folder of ['style', 'draw', 'nursery'])
    for (const file of globSync(`client/${folder}/*.css`, { cwd: root })) {
      const rules = textOf(file).replace(/\/\*.*?\*\//gs, '');
      for (const [, selectors] of rules.matchAll(/([^{}]+)\{/g))
        for (const selector of selectors.split(',')) {
          const [, first] = /^\s*\.([\w-]+)/.exec(selector) ?? [];
          if (first !== undefined) owners.set(first, (owners.get(first) ?? new Set()).add(folder));
        }
    }
  expect(owners.size).toBeGreaterThan(100);
  expect([...owners].filter(([, folders]) => folders.size > 1).map(([name]) => name)).toEqual([]);
});

describe('how files and members are named and described', () => {
  test('file names are camelCase on both sides', () => {
    const files = globSync('{server,client,shared,tests}/**/*.{ts,js,css,html}', { cwd: root });
    expect(files.length).toBeGreaterThan(100);
    expect(files.filter((file) => !/^[a-z][A-Za-z0-9]*(\.(test|d))?\.[a-z]+$/.test(basename(file)))).toEqual(
      [],
    );
  });

  test('constants that bound something are named MAX_ and MIN_', () => {
    const named = globSync('{server,client,shared,tests}/**/*.ts', { cwd: root }).filter((file) =>
      /\bconst (?:MOST|LARGEST|LONGEST|LEAST|FEWEST|SMALLEST|SHORTEST)(?:_|\b)/.test(textOf(file)),
    );
    expect(named).toEqual([]);
  });

  test('no docstring opens with "Of": it names the thing', () => {
    const withOf = SOURCES.filter((file) => /^\s*(?:\/\*\*|\*|\/\/) Of /m.test(textOf(file)));
    expect(withOf).toEqual([]);
  });

  test('private members are written with #', () => {
    const withKeyword = SOURCES.filter(
      (file) =>
        !file.includes('/assembly/') && /^\s+(?:static\s+)?private\s+(?!constructor\b)/m.test(textOf(file)),
    );
    expect(withKeyword).toEqual([]);
  });
});

test('no sprite image is committed', () => {
  expect(
    globSync(['{server,client,shared,weights,tests}/**/*.{png,gif,jpg,jpeg,webp}'], { cwd: root }).filter(
      (f) => !f.startsWith('tests/browser/screenshots'),
    ),
  ).toEqual([]);
});
