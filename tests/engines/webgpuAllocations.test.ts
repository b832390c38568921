/** The rule: no step allocates in JavaScript. In a process of its own, whose heap can be watched. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

/** A young generation that holds all that the script allocates: what is counted is not collected. */
const FLAGS = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];

let bytes: { readonly one: number; readonly sixteen: number };

beforeAll(async () => {
  const script = join(import.meta.dirname, 'gpuAllocations.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, script]);
  bytes = JSON.parse(stdout);
});

test('sixteen steps of one submission allocate no more than one step', () => {
  expect(bytes.one).toBeGreaterThan(0); // it was measured at all
  // A single object a step would be 15 times 16 bytes.
  expect(bytes.sixteen - bytes.one).toBeLessThan(32);
});

test('a submission allocates promises and a view of its report, and no more', () => {
  expect(bytes.one).toBeLessThan(4_000);
});
