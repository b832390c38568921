import { describe } from 'vitest';
import { createWebGpuEngine } from '../../server/engines/webgpu/engine.ts';
import { findSwiftShader } from '../../server/engines/webgpu/swiftshader.ts';
import { describeEngineContract } from './contract.ts';

describe.skipIf(findSwiftShader() === null)('on SwiftShader', () => {
  describeEngineContract('webgpu', (options) => createWebGpuEngine({ ...options, adapter: 'swiftshader' }), {
    tolerance: 1e-5,
  });
});
