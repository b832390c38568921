/** Tests that need SwiftShader, which `tests/chromium.ts` unpacks; where there is none they are visibly skipped. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findSwiftShader } from '../server/engines/webgpu/swiftshader.ts';

/** `describe` for tests on SwiftShader. With REGROW_REQUIRE_GPU set, a missing adapter is a failure. */
export function describeOnSwiftShader(name: string, tests: () => void): void {
  test('an adapter exists where REGROW_REQUIRE_GPU requires one', () => {
    const isRequired = (process.env.REGROW_REQUIRE_GPU ?? '') !== '';
    if (isRequired) expect(findSwiftShader()).not.toBeNull();
  });
  describe.skipIf(findSwiftShader() === null)(`${name}, which comes with Chromium`, () => {
    let spin: () => void;
    beforeAll(() => {
      spin = slowBindingDown();
    });
    afterAll(() => spin());
    tests();
  });
}

/** How often Dawn's binding asks whether the GPU is done. */
const ASK_MS = 1;

/**
 * While Dawn's binding waits, it asks in every turn of the event loop, and keeps a core busy that SwiftShader needs: half of
 * these tests' processor time. It takes `setImmediate` anew each time, with a native function without a name.
 *
 * @returns lets it ask as before
 */
function slowBindingDown(): () => void {
  const { setImmediate } = globalThis;
  const slowed = (callback: (...args: unknown[]) => void, ...args: unknown[]): unknown => {
    const isBinding = callback.name === '' && /\[native code\]/.test(`${callback}`);
    return isBinding ? setTimeout(callback, ASK_MS, ...args) : setImmediate(callback, ...args);
  };
  globalThis.setImmediate = slowed as typeof setImmediate;
  return () => {
    globalThis.setImmediate = setImmediate;
  };
}
