/** Around every test file: loads the page codec, makes comparisons of large arrays cheap, and ends what was started. */
import { aroundAll, expect } from 'vitest';
import { isSameBytes } from '../server/engines/engine.ts';
import { readPageCodec } from '../server/stream/codec.ts';
import { killStarted } from './started.ts';

await readPageCodec();

// Not `afterAll`: it is left out where another one has failed.
aroundAll(async (runFile) => {
  await runFile();
  await killStarted();
});

expect.addEqualityTesters([
  /** Vitest compares typed arrays value by value, some 500 times as slowly; arrays that differ are left to it. */
  function isSameArray(a, b) {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
    return isSameBytes(a, b) || undefined;
  },
]);
