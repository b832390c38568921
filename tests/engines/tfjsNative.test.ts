/** TensorFlow's native binding, where it is installed; in its own process, as in a server. */
import { describe, expect, test } from 'vitest';
import { createTfjsEngine } from '../../server/engines/tfjs/engine.ts';
import { type Backend, loadTensorFlow } from '../../server/engines/tfjs/load.ts';
import { describeEngineContract } from './contract.ts';
import { isInstalled, setRules } from './fixtures.ts';

const BINDINGS: readonly Backend[] = ['node-gpu', 'node'];
const installed = BINDINGS.filter((backend) => isInstalled(`@tensorflow/tfjs-${backend}`));

describe.skipIf(installed.length === 0)('with @tensorflow/tfjs-node or tfjs-node-gpu installed', () => {
  const backend = installed[0];
  describeEngineContract('tfjs, native', (options) => createTfjsEngine({ ...options, backend }), {
    tolerance: 1e-5,
  });

  test('the native backend is the first choice, and 1,000 steps leave no tensor behind', async () => {
    const { tf, backend: chosen } = await loadTensorFlow();
    expect(chosen).toBe(backend);
    const engine = await createTfjsEngine({ width: 24, height: 20, randomSeed: 1 });
    expect(engine.description).toMatch(/^tfjs, TensorFlow \d.* on the (CPU|GPU)/);
    setRules(engine);
    engine.plant(1, 0, 3, 3);
    await engine.step(50);
    const before = tf.memory();
    await engine.step(1000);
    expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
    engine.dispose();
  });
});
