/**
 * tfjs with its gradients. They live in a file that is not in the package's bundle, and whose imports lack
 * extensions: Node resolves them only with help. Both copies of the code share one engine (a global).
 */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const parent = context.parentURL ?? '';
    if (specifier.startsWith('.') && parent.includes('/@tensorflow/')) {
      const file = new URL(`${specifier}.js`, parent);
      if (existsSync(file)) return next(file.href, context);
    }
    return next(specifier, context);
  },
});

export const tf = await import('@tensorflow/tfjs-core');
await import('@tensorflow/tfjs-backend-cpu');
const gradients = '@tensorflow/tfjs-core/dist/register_all_gradients.js';
await import(gradients);
tf.env().set('IS_NODE', false); // else it advertises its native backend on stderr
await tf.setBackend('cpu');
