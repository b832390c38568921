import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Tests start hundreds of processes, each of which would compile the same files again: half of what a start costs.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('build/compile-cache', import.meta.url));

/** Folders whose tests leave nothing behind in their process. */
const PURE = [
  'bench',
  'client',
  'evaluation',
  'files',
  'guests',
  'lobby',
  'log',
  'nursery',
  'rules',
  'sessions',
  'shared',
  'stream',
  'world',
].map((folder) => `tests/${folder}/**/*.test.ts`);

/** @throws Error when it is not there: then it was given another name */
function testFile(name: string): string {
  const path = fileURLToPath(new URL(`tests/${name}.test.ts`, import.meta.url));
  if (!existsSync(path)) throw new Error(`vitest.config.ts names ${path}, which is not there`);
  return path;
}

/**
 * The files that take longest, so that none of them runs alone at the end. Those that mostly wait for processes that they
 * start and those that compute take turns: then the cores have work while the former wait.
 */
const LONG = [
  'store/takeoverRelays',
  'engines/webgpu',
  'store/takeover',
  'world/replay',
  'workers/farTuning',
  'tuner/process',
  'links/worlds',
  'build',
  'diskTrouble',
  'tuner/loop',
  'service/clusterRun',
  'workers/realJobs',
  'links/farRelays',
  'tuner/endToEnd',
  'service/proxies',
  'stream/faults',
  'links/relays',
  'evaluation/longPlay',
  'commands/storedWorld',
  'commands/world',
  'links/nats',
  'several',
  'browser/proxy',
  'browser/dev',
  'browser/lobby',
  'browser/ownBody',
  'browser/wilting',
  'browser/hidden',
].map(testFile);

/** Begins with the long files; then as Vitest does. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONG.indexOf(moduleId);
      return found < 0 ? LONG.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    globalSetup: ['tests/chromium.ts', 'tests/matureForms.ts'],
    setupFiles: ['tests/setup.ts'],
    // Real Chromium and real sockets are slow on a busy two-core machine; a hang still ends.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    // Twice the cores of a small machine, because many files mostly wait for processes that they start.
    maxWorkers: 4,
    projects: [
      {
        // They share processes: one for each file, which loads the same modules again, costs 0.1 to 0.25 s of processor.
        extends: true,
        test: { name: 'pure', include: PURE, isolate: false, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'node',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/browser/**', ...PURE],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // One browser at a time, and nothing beside it: they draw in software, and their rules speak of seconds.
        extends: true,
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
