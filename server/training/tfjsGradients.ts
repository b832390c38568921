/**
 * TensorFlow.js with its gradients. tfjs-node brings them. In tfjs-core alone they are in a file outside the package's
 * bundle, whose imports lack extensions, so Node needs help to resolve them. Both copies of the code share one registry
 * (a global).
 */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { type Backend, type LoadedTensorFlow, loadTensorFlow } from '../engines/tfjs/load.ts';

const GRADIENTS = '@tensorflow/tfjs-core/dist/register_all_gradients.js';

/** @throws EngineError that says what to install, when no backend loads */
export async function loadWithGradients(among?: readonly Backend[]): Promise<LoadedTensorFlow> {
  const loaded = await loadTensorFlow(among);
  if (loaded.tf.getGradient('BatchMatMul') != null) return loaded;
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const parent = context.parentURL ?? '';
      if (specifier.startsWith('.') && parent.includes('/@tensorflow/')) {
        const file = new URL(`${specifier}.js`, parent);
        if (existsSync(file)) return next(file.href, context);
      }
      return next(specifier, context);
    },
  });
  try {
    await import(GRADIENTS);
  } finally {
    hooks.deregister();
  }
  return loaded;
}
