/** A step must not allocate in JavaScript; measured in a separate process, whose heap can be read. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

/** The young generation holds everything that the script allocates, so nothing is collected while it counts. */
const FLAGS = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];

let bytes: { readonly one: number; readonly sixteen: number };

beforeAll(async () => {
  const script = join(import.meta.dirname, 'gpuAllocations.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, script]);
  bytes = JSON.parse(stdout);
});

test('sixteen steps of one submission allocate no more than one step', () => {
  expect(bytes.one).toBeGreaterThan(0); // otherwise nothing was measured
  // One object per step would be 15 times 16 bytes.
  expect(bytes.sixteen - bytes.one).toBeLessThan(32);
});

test('a submission allocates only promises and a view of its report', () => {
  expect(bytes.one).toBeLessThan(4_000);
});
