/** Tests that need SwiftShader: skipped, for all to see, where it is not installed. */
import { describe, expect, test } from 'vitest';
import { findSwiftShader } from '../server/engines/webgpu/swiftshader.ts';

/** As `describe`. With REGROW_REQUIRE_GPU set, a missing adapter is a failure. */
export function describeOnSwiftShader(name: string, tests: () => void): void {
  test('there is something to test on, where REGROW_REQUIRE_GPU asks for it', () => {
    const isRequired = (process.env.REGROW_REQUIRE_GPU ?? '') !== '';
    if (isRequired) expect(findSwiftShader()).not.toBeNull();
  });
  describe.skipIf(findSwiftShader() === null)(`${name} (Debian: apt-get install chromium)`, tests);
}
