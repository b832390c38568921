/** Runs before every test file: loads the page codec, and makes comparisons of large arrays cheap. */
import { expect } from 'vitest';
import { isSameBytes } from '../server/engines/engine.ts';
import { readPageCodec } from '../server/stream/codec.ts';

await readPageCodec();

expect.addEqualityTesters([
  /** Vitest compares typed arrays value by value, some 500 times as slowly; arrays that differ are left to it. */
  function isSameArray(a, b) {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
    return isSameBytes(a, b) || undefined;
  },
]);
