/** Documentation that names what is not there misleads a stranger: paths, scripts, flags and rules are checked. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { helpText } from '../server/config.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const documents = [
  ...globSync('*.md', { cwd: root }),
  ...globSync(['{server,client,shared,weights,tests}/**/*.md', '.github/**/*.md'], { cwd: root }),
].sort();

/** Scripts whose flags are known: `npm start -- …`, `npm run train -- …`. */
const COMMANDS = ['start', 'train', 'train-start', 'rules', 'world', 'admin', 'starters', 'bench'];
const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
const prose = (text: string): string => text.replace(FENCE, '');
const shellBlocks = (text: string): string =>
  Array.from(text.matchAll(FENCE), ([, language, body]) => (language === 'sh' ? body : '')).join('\n');
const inline = (text: string): string[] =>
  Array.from(prose(text).matchAll(/`([^`\n]+)`/g), ([, code]) => code.trim());
const links = (text: string): string[] =>
  Array.from(prose(text).matchAll(/\]\(([^)#\s]+)[^)]*\)/g), ([, target]) => target).filter(
    (target) => !/^[a-z]+:/.test(target),
  );

const linkTexts = (text: string): string[] =>
  Array.from(prose(text).matchAll(/\[([^\]\n]+)\]\(/g), ([, shown]) => shown);

/** Paths that commands in blocks of shell name: `vitest run tests/x.test.ts`. */
const shellPaths = (text: string): string[] =>
  shellBlocks(text)
    .split(/\s+/)
    .filter((word) => /^(server|client|shared|tests)\/[\w./-]+$/.test(word));

/** What these folders hold is made when something runs; `<begin>` and the like stand for a name. */
const MADE = /^(data|build|node_modules|tests\/browser\/screenshots)(\/|$)|[<>*{}…]|FOLDER/;
const SOURCE = /\.(ts|js|md|json|css|html|yml)$/;
const FOLDER = /^(?:\.?[\w-]+\/)+[\w-]*$/;

/** Whether code in backticks looks like a path of this repository. */
const looksLikePath = (code: string): boolean =>
  /^[\w./-]+$/.test(code) &&
  !code.startsWith('/') &&
  (SOURCE.test(code) || FOLDER.test(code)) &&
  !MADE.test(code);

/** A document names files from the root, from its own folder, or from the folder above (`stream/README.md`). */
function exists(path: string, document: string): boolean {
  const folder = dirname(document);
  return [root, join(root, folder), join(root, folder, '..')].some((from) => existsSync(join(from, path)));
}

test('the documents are found, and so are paths, links and commands in them', () => {
  expect(documents).toContain('README.md');
  expect(documents).toContain('server/README.md');
  const all = documents.map(read).join('\n');
  expect(inline(all).filter(looksLikePath).length).toBeGreaterThan(100);
  expect(links(all).length).toBeGreaterThan(20);
  expect(commandsOf(all).length).toBeGreaterThan(10);
});

test('the top README has at most 150 lines', () => {
  expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

test('the top README keeps the two commands with which everybody begins', () => {
  expect(shellBlocks(read('README.md'))).toContain('npm ci && npm start\n');
  expect(shellBlocks(read('README.md'))).toContain('npm ci && npm test\n');
});

test('every path in backticks or in a command exists', () => {
  const missing = faultsOf((text, document) =>
    [...inline(text), ...shellPaths(text)].filter((code) => looksLikePath(code) && !exists(code, document)),
  );
  expect(missing).toEqual([]);
});

test('every link leads to a file that exists, and so does a path that it shows', () => {
  const broken = faultsOf((text, document) => [
    ...links(text).filter((target) => !existsSync(join(root, dirname(document), target))),
    ...linkTexts(text).filter((shown) => looksLikePath(shown) && !exists(shown, document)),
  ]);
  expect(broken).toEqual([]);
});

test('every command shown is an npm script that exists, with flags that its help knows', () => {
  const unknown = faultsOf((text) =>
    commandsOf(text).flatMap(({ script, args }) => {
      if (!Object.hasOwn(scripts, script)) return [`npm run ${script}`];
      const known = flagsOf(script, args[0]);
      return flagsIn(args).flatMap((flag) => (known.has(flag) ? [] : [`npm run ${script} -- ${flag}`]));
    }),
  );
  expect(unknown).toEqual([]);
});

test('tests/README.md has every benchmark that there is, and no other', () => {
  const [, table] = /^## Benchmarks$([\s\S]*?)^### /m.exec(read('tests/README.md')) ?? [];
  const told = Array.from((table ?? '').matchAll(/^\| `(\w+)` \|/gm), ([, name]) => name);
  const entries = read('tests/bench/main.ts').matchAll(/^ {2}(\w+)(?:: \(\) =>|\(\) \{)/gm);
  const known = Array.from(entries, ([, name]) => name);
  expect(known).toContain('nursery');
  expect(told.sort()).toEqual(known.sort());
});

test("no command shown runs TypeScript on the system's Node, which may be too old for it", () => {
  const BARE = /^\s*(?:\w+=\S+ )*node (?:-\S+ )*\S+\.ts\b/;
  expect('node server/build.ts --verify').toMatch(BARE);
  expect('npx node server/build.ts').not.toMatch(BARE);
  const bare = faultsOf((text) =>
    [...shellBlocks(text).split('\n'), ...inline(text)].filter((line) => BARE.test(line)),
  );
  expect(bare).toEqual([]);
});

test('what a block of shell restores is the backup that it has made', () => {
  const folderOf = (text: string, verb: RegExp): string[] =>
    shellBlocks(text)
      .split('\n')
      .flatMap((line) => verb.exec(line)?.[1] ?? []);
  const made = /npm run world -- backup\b.* --to (\S+)/;
  const restored = /npm run world -- restore (\S+)/;
  expect(folderOf(read('README.md'), restored)).not.toEqual([]);
  const strangers = faultsOf((text) =>
    folderOf(text, restored).filter((folder) => !folderOf(text, made).includes(folder)),
  );
  expect(strangers).toEqual([]);
});

test('every flag in backticks is known to some command', () => {
  // Flags of npm, Node, V8 and the build.
  const foreign = [
    '--omit',
    '--save-optional',
    '--no-save',
    '--version',
    '--verify',
    '--watch',
    '--experimental-wasm-revectorize',
  ];
  const known = new Set([...foreign, ...COMMANDS.flatMap((script) => [...flagsOf(script)])]);
  const unknown = faultsOf((text) =>
    flagsIn(inline(text).flatMap((code) => code.split(/\s+/))).filter((flag) => !known.has(flag)),
  );
  expect(unknown).toEqual([]);
});

test('every numbered rule that a test cites is defined in shared/README.md, and the other way round', () => {
  const cited = globSync('tests/**/*.test.ts', { cwd: root }).flatMap((file) =>
    Array.from(
      read(file).matchAll(/(?:test|describe|it)[\w.]*\([^'"`]*['"`]([A-Z]\d+)[a-z]?\s/g),
      ([, rule]) => `${rule} ${file.replaceAll('\\', '/')}`,
    ),
  );
  // test.each puts its name on a line of its own.
  const each = globSync('tests/**/*.test.ts', { cwd: root }).flatMap((file) =>
    Array.from(read(file).matchAll(/^\s+'([A-Z]\d+)[a-z]?\s/gm), ([, rule]) => `${rule} ${file}`),
  );
  const defined = Array.from(
    read('shared/README.md').matchAll(/^\| ([A-Z]\d+) \|.*\| `([^`]+)` \|$/gm),
    ([, rule, file]) => `${rule} ${file}`,
  );
  expect(defined.length).toBeGreaterThan(5);
  expect([...new Set([...cited, ...each])].sort()).toEqual(defined.sort());
});

test('shared/README.md gives every message type and close code its number', () => {
  const text = read('shared/README.md');
  const protocol = read('shared/protocol.ts');
  const numbers = Array.from(
    protocol.matchAll(/^ {2}(\w+): (\d+),$/gm),
    ([, name, number]) => [name, number] as const,
  );
  expect(numbers.length).toBeGreaterThan(20);
  const missing = numbers.filter(([name, number]) =>
    number.length === 4 ? !text.includes(`| ${number} |`) : !text.includes(`| ${number} | \`${name}\` |`),
  );
  expect(missing).toEqual([]);
});

test('server/training/README.md says what a polish sets, as the help does', () => {
  const help = helpOf('train').replaceAll(/\s+/g, ' ');
  const [, polish] = /where nothing else is said (.*?) --from FILE/.exec(help) ?? [];
  const rows = Array.from(
    read('server/training/README.md').matchAll(
      /^\| [^|]+ \| `(--[\w-]+)` \| [^|]+ \| `?([^|`]+)`? \| [^|]+ \|$/gm,
    ),
    ([, flag, value]) => `${flag} ${value.trim()}`,
  );
  const said = Array.from((polish ?? '').matchAll(/(--[\w-]+) (\S+)/g), ([pair]) => pair);
  const shown = said.filter((pair) => rows.some((row) => row.split(' ')[0] === pair.split(' ')[0]));
  expect(shown.length).toBeGreaterThan(8);
  expect(shown.filter((pair) => !rows.includes(pair))).toEqual([]);
});

/** Faults of all documents, each with the document that it is in. */
function faultsOf(find: (text: string, document: string) => readonly string[]): string[] {
  return documents.flatMap((document) =>
    find(read(document), document).map((fault) => `${document}: ${fault}`),
  );
}

interface Command {
  readonly script: string;
  readonly args: readonly string[];
}

/** `npm start …` and `npm run x …`, in blocks of shell and in backticks; chained commands one by one. */
function commandsOf(text: string): Command[] {
  const lines = shellBlocks(text).replaceAll('\\\n', ' ').split('\n');
  return [...lines, ...inline(text)]
    .flatMap((line) => line.split('&&'))
    .flatMap((line): Command[] => {
      const [, start, run, rest = ''] =
        /^\s*npm (?:(start|test)|run ([\w:-]+))(?: -- (.*))?$/.exec(line) ?? [];
      const script = start ?? run;
      return script === undefined ? [] : [{ script, args: rest.split(/\s+/).filter((word) => word !== '') }];
    });
}

function flagsIn(words: readonly string[]): string[] {
  return words.flatMap((word) => Array.from(word.matchAll(/^(--[a-z][\w-]*)/g), ([, flag]) => flag));
}

const helps = new Map<string, ReadonlySet<string>>();

/** @param bench - which benchmark; undefined: all of them */
function flagsOf(script: string, bench?: string): ReadonlySet<string> {
  const key = script === 'bench' && bench !== undefined ? `bench ${bench}` : script;
  let known = helps.get(key);
  if (known === undefined) {
    known = new Set(
      Array.from(helpOf(script, bench).matchAll(/--[a-z][\w-]*/g), ([flag]) => flag).concat('--help'),
    );
    helps.set(key, known);
  }
  return known;
}

function helpOf(script: string, bench?: string): string {
  if (script === 'start') return helpText();
  // The build has one flag, and says so at its head.
  if (script === 'build') return read('server/build.ts');
  if (script === 'bench') {
    // Benchmarks say their flags in what they parse.
    const files =
      bench === undefined ? globSync('tests/bench/*.ts', { cwd: root }) : [`tests/bench/${bench}.ts`];
    return files
      .filter((file) => existsSync(join(root, file)))
      .map((file) => read(file).replaceAll(/^\s+'?([\w-]+)'?: \{ type: /gm, '--$1 '))
      .join('\n');
  }
  const [entry] = /server\/[\w/]+\.ts(?=[^.]*$)/.exec(scripts[script] ?? '') ?? [];
  if (COMMANDS.includes(script))
    return execFileSync(process.execPath, [join(root, entry ?? ''), '--help'], { encoding: 'utf8' });
  return '';
}
