/** Tests that need SwiftShader, which `tests/chromium.ts` unpacks; where there is none they are visibly skipped. */
import { describe, expect, test } from 'vitest';
import { findSwiftShader } from '../server/engines/webgpu/swiftshader.ts';

/** `describe` for tests on SwiftShader. With REGROW_REQUIRE_GPU set, a missing adapter is a failure. */
export function describeOnSwiftShader(name: string, tests: () => void): void {
  test('an adapter exists where REGROW_REQUIRE_GPU requires one', () => {
    const isRequired = (process.env.REGROW_REQUIRE_GPU ?? '') !== '';
    if (isRequired) expect(findSwiftShader()).not.toBeNull();
  });
  describe.skipIf(findSwiftShader() === null)(`${name}, which comes with Chromium`, tests);
}
