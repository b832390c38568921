/**
 * Builds outputs that are older than their sources: the WASM kernels (AssemblyScript) and the client (Vite). Arguments
 * name targets (`engine`, `trainer`, `client`); without arguments, all. The page codec is always built, because the
 * server, the client and the tests need it. Fresh outputs cost one directory walk.
 */
import { execFile } from 'node:child_process';
import { globSync, mkdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);
const require = createRequire(import.meta.url);
const bin = (name: string, path: string): string =>
  join(dirname(require.resolve(`${name}/package.json`)), path);

/** Target → entry point. Each is compiled twice: with relaxed SIMD (FMA) and without. */
const KERNELS: Readonly<Record<string, string>> = {
  engine: 'server/engines/wasm/assembly/module.ts',
  trainer: 'server/training/assembly/trainer.ts',
};

/** The page codec: one module for the server and the browser, with its own memory. */
const CODEC = 'shared/codec/assembly/codec.ts';

const newest = (...patterns: string[]): number =>
  Math.max(0, ...globSync(patterns, { cwd: root }).map((file) => statSync(join(root, file)).mtimeMs));

function isStale(output: string, sourceTime: number): boolean {
  const built = statSync(join(root, output), { throwIfNoEntry: false });
  return built === undefined || built.mtimeMs < sourceTime;
}

/** Compiles an AssemblyScript module whose newest source is of `sourceTime`. */
async function compile(entry: string, output: string, sourceTime: number, flags: string[]): Promise<void> {
  if (!isStale(output, Math.max(sourceTime, newest('server/build.ts', 'server/inline.js')))) return;
  const common = ['-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd'];
  common.push('--transform', './server/inline.js', '--outFile', output);
  await run(process.execPath, [bin('assemblyscript', 'bin/asc.js'), entry, ...common, ...flags], {
    cwd: root,
  });
  console.log(`built ${output}`);
}

function buildKernel(name: string, entry: string, relaxed: boolean): Promise<void> {
  // 65,536 pages = 4 GiB, the largest 32-bit memory; the real size is decided at run time.
  const flags = ['--importMemory', '--sharedMemory', '--maximumMemory', '65536', '--enable', 'threads'];
  if (relaxed) flags.push('--enable', 'relaxed-simd');
  const output = `build/wasm/${name}.${relaxed ? 'relaxed' : 'plain'}.wasm`;
  return compile(entry, output, newest('server/**/assembly/*.ts', 'shared/**/assembly/*.ts'), flags);
}

function buildCodec(): Promise<void> {
  return compile(CODEC, 'build/wasm/codec.wasm', newest('shared/codec/assembly/*.ts'), []);
}

async function buildClient(): Promise<void> {
  const sourceTime = newest('client/**/*', 'shared/**/*.ts', 'vite.config.ts', 'package-lock.json');
  if (!isStale('build/client/index.html', sourceTime)) return;
  await run(process.execPath, [bin('vite', 'bin/vite.js'), 'build', '--logLevel', 'warn'], { cwd: root });
  console.log('built build/client');
}

const asked = process.argv.slice(2);
const isAsked = (target: string): boolean => asked.length === 0 || asked.includes(target);
const unknown = asked.filter((target) => target !== 'client' && !(target in KERNELS));
if (unknown.length > 0) {
  console.error(`build: no such target: ${unknown.join(', ')}`);
  process.exit(1);
}

mkdirSync(join(root, 'build/wasm'), { recursive: true });
const jobs = Object.entries(KERNELS)
  .filter(([name]) => isAsked(name))
  .flatMap(([name, entry]) => [true, false].map((relaxed) => buildKernel(name, entry, relaxed)));
// The client contains the codec, so it waits for it.
const codec = buildCodec();
jobs.push(codec);
if (isAsked('client')) jobs.push(codec.then(buildClient));
await Promise.all(jobs).catch((error: { stderr?: string }) => {
  console.error(error.stderr || error);
  process.exit(1);
});
