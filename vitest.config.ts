import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests start hundreds of processes, each of which would compile the same files again: half of what a start costs.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('build/compile-cache', import.meta.url));

/** Folders whose tests leave nothing behind in their process. */
const PURE = [
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

export default defineConfig({
  test: {
    globalSetup: ['tests/chromium.ts', 'tests/matureForms.ts'],
    setupFiles: ['tests/setup.ts'],
    // Real Chromium and real sockets are slow on a busy two-core machine; a hang still ends.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // One more than the cores of a small machine, because many files mostly wait for processes that they start.
    maxWorkers: 3,
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
