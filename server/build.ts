/**
 * Builds what is older than its sources: the WASM kernels (AssemblyScript) and the client (Vite). Arguments name targets
 * (`engine`, `trainer`, `codec`, `client`, `compressed`); without arguments, all. What is fresh costs one look at its
 * sources.
 *
 * `compressed` writes the client's files compressed beside them. `npm start` does not wait for that: a server that finds
 * none compresses them itself while it runs.
 *
 * Kernels are part of the repository, so that a server starts without their compiler. Each ends in a custom section
 * with a hash of its sources; a kernel with another hash is compiled again, in place. `--verify [engine|trainer|codec]`
 * compiles them in any case, and fails when one byte differs from what is in the repository.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { compress, ENCODINGS, ENDING, isCompressible } from './http/variants.ts';

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** A package of the development dependencies. @throws Error that says how to get them */
function bin(name: string, path: string, wanted: string): string {
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), path);
  } catch {
    throw new Error(`${wanted}, and the package ${name} is missing: run \`npm ci\` without --omit=dev`);
  }
}

interface Kernel {
  readonly entry: string;
  readonly output: string;
  readonly flags: readonly string[];
}

const COMMON = [
  '-O3',
  '--runtime',
  'stub',
  '--noAssert',
  '--enable',
  'simd',
  '--transform',
  './server/inline.js',
];
// 65,536 pages = 4 GiB, the largest 32-bit memory; the real size is decided at run time.
const SHARED = ['--importMemory', '--sharedMemory', '--maximumMemory', '65536', '--enable', 'threads'];

/** With relaxed SIMD (FMA), and without. */
const variants = (name: string, entry: string): Kernel[] =>
  ['relaxed', 'plain'].map((variant) => ({
    entry,
    output: `server/engines/wasm/built/${name}.${variant}.wasm`,
    flags: [...COMMON, ...SHARED, ...(variant === 'relaxed' ? ['--enable', 'relaxed-simd'] : [])],
  }));

const KERNELS: Readonly<Record<string, readonly Kernel[]>> = {
  engine: variants('engine', 'server/engines/wasm/assembly/module.ts'),
  trainer: variants('trainer', 'server/training/assembly/trainer.ts'),
  /** One module for the server and the browser, with its own memory. */
  codec: [
    { entry: 'shared/codec/assembly/codec.ts', output: 'shared/codec/built/codec.wasm', flags: COMMON },
  ],
};

/** The entry and all that it imports, as paths from the root. */
function sourcesOf(entry: string): string[] {
  const files = new Set([entry]);
  for (const file of files)
    for (const [, target] of readFileSync(join(root, file), 'utf8').matchAll(/from\s*'(\.[^']+)'/g))
      files.add(join(dirname(file), target.endsWith('.ts') ? target : `${target}.ts`).replaceAll('\\', '/'));
  return [...files].sort();
}

/** SHA-256 of all that decides the bytes of a kernel. */
function hashOf({ entry, flags }: Kernel): Buffer {
  const { devDependencies } = require('../package.json') as { devDependencies: Record<string, string> };
  const hash = createHash('sha256').update(JSON.stringify([devDependencies.assemblyscript, entry, flags]));
  // Git on Windows may write other line ends.
  for (const file of [...sourcesOf(entry), 'server/inline.js'])
    hash.update(`\0${file}\0${readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n')}`);
  return hash.digest();
}

/** A WASM module's last section: `section := 0 size 7 "sources" sha256`. */
const SECTION = Buffer.from('\0\x28\x07sources', 'latin1');
const SECTION_BYTES = SECTION.length + 32;

/** The hash of the sources that a kernel was compiled from; null: no kernel, or one without it. */
function builtFrom(output: string): Buffer | null {
  const path = join(root, output);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
  const section = readFileSync(path).subarray(-SECTION_BYTES);
  return section.subarray(0, SECTION.length).equals(SECTION) ? section.subarray(SECTION.length) : null;
}

/** @throws Error with what the compiler says */
async function compile(kernel: Kernel): Promise<Buffer> {
  const path = bin('assemblyscript', 'dist/asc.js', `${kernel.output} has to be compiled`);
  // In this process: the compiler's own start costs three times what a further kernel does.
  const { main } = (await import(pathToFileURL(path).href)) as typeof import('assemblyscript/asc');
  const folder = mkdtempSync(join(tmpdir(), 'regrow-build-'));
  try {
    const file = join(folder, basename(kernel.output));
    const said = await main([kernel.entry, ...kernel.flags, '--baseDir', root, '--outFile', file]);
    if (said.error !== null) throw Object.assign(said.error, { stderr: `${said.stderr}` });
    return Buffer.concat([readFileSync(file), SECTION, hashOf(kernel)]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function buildKernel(kernel: Kernel): Promise<void> {
  if (builtFrom(kernel.output)?.equals(hashOf(kernel)) === true) return;
  const bytes = await compile(kernel);
  const path = join(root, kernel.output);
  mkdirSync(dirname(path), { recursive: true });
  // Renamed, because another process may be about to read it.
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, bytes);
  renameSync(fresh, path);
  console.log(`built ${kernel.output}`);
}

/** @throws Error naming each kernel that its sources do not give */
async function verify(kernels: readonly Kernel[]): Promise<void> {
  const differing: string[] = [];
  for (const kernel of kernels) {
    const path = join(root, kernel.output);
    const shipped = statSync(path, { throwIfNoEntry: false }) === undefined ? null : readFileSync(path);
    if (shipped?.equals(await compile(kernel)) !== true) differing.push(kernel.output);
  }
  if (differing.length > 0)
    throw new Error(
      `not what the sources give: ${differing.sort().join(', ')}; run \`npm run build\` and commit them`,
    );
}

/** As many at once as the machine has cores. */
async function eachOf<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
}

const newest = (...patterns: string[]): number =>
  Math.max(0, ...globSync(patterns, { cwd: root }).map((file) => statSync(join(root, file)).mtimeMs));

async function buildClient(): Promise<void> {
  const sourceTime = newest('client/**/*', 'shared/**/*.{ts,wasm}', 'vite.config.ts', 'package-lock.json');
  const built = statSync(join(root, 'build/client/index.html'), { throwIfNoEntry: false });
  if (built !== undefined && built.mtimeMs >= sourceTime) return;
  const vite = bin('vite', 'bin/vite.js', 'the page has to be built');
  await run(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: root });
  console.log('built build/client');
}

/** Those of an earlier build are gone: Vite empties the folder. */
async function compressClient(): Promise<void> {
  const work = globSync('build/client/**/*', { cwd: root }).flatMap((file) => {
    const path = join(root, file);
    const { size, mtimeMs } = statSync(path);
    if (!isCompressible(path, size)) return [];
    return ENCODINGS.map((encoding) => ({ path, encoding, output: path + ENDING[encoding], mtimeMs }));
  });
  const missing = work.filter(({ output, mtimeMs }) => {
    const built = statSync(output, { throwIfNoEntry: false });
    return built === undefined || built.mtimeMs < mtimeMs;
  });
  await eachOf(missing, async ({ path, encoding, output }) => {
    writeFileSync(`${output}.new`, await compress(encoding, readFileSync(path)));
    renameSync(`${output}.new`, output);
  });
  if (missing.length > 0)
    console.log(`compressed ${missing.length / ENCODINGS.length} files of build/client`);
}

const isVerify = process.argv[2] === '--verify';
const asked = process.argv.slice(isVerify ? 3 : 2);
try {
  const targets = [...Object.keys(KERNELS), ...(isVerify ? [] : ['client', 'compressed'])];
  const unknown = asked.filter((target) => !targets.includes(target));
  if (unknown.length > 0) throw new Error(`build: no such target: ${unknown.join(', ')}`);
  const isAsked = (target: string): boolean => asked.length === 0 || asked.includes(target);
  const kernelsOf = (names: readonly string[]): Kernel[] => names.flatMap((name) => KERNELS[name]);
  if (isVerify) {
    const kernels = kernelsOf(Object.keys(KERNELS).filter(isAsked));
    await verify(kernels);
    for (const { output } of kernels) console.log(`${output} is what its sources give`);
  } else {
    // The server, the client and the tests all need the page codec.
    const names = Object.keys(KERNELS).filter((name) => name === 'codec' || isAsked(name));
    for (const kernel of kernelsOf(names)) await buildKernel(kernel);
    if (isAsked('client')) await buildClient();
    if (isAsked('compressed')) await compressClient();
  }
} catch (error) {
  const { stderr, message } = error as Error & { stderr?: string };
  console.error(stderr || message);
  process.exitCode = 1;
}
