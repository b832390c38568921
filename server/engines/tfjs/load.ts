/** Finds TensorFlow.js and its fastest installed backend. The server depends on none of them. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { EngineError } from '../engine.ts';

export type TensorFlow = typeof import('@tensorflow/tfjs-core');

/** Best first. */
const BACKENDS = ['node-gpu', 'node', 'wasm', 'cpu'] as const;
export type Backend = (typeof BACKENDS)[number];

export interface LoadedTensorFlow {
  readonly tf: TensorFlow;
  readonly backend: Backend;
  /** Part of the engine's description: the backend, and the better ones that are installed but broken. */
  readonly description: string;
}

const VERSION = '4.22.0';
// Without --save-optional, npm does not install an optional peer even when it is named.
const INSTALL = 'npm install --no-save --save-optional';
const MISSING = `TensorFlow.js is not installed; one of these is needed:
  ${INSTALL} @tensorflow/tfjs-node-gpu@${VERSION}   (NVIDIA, CUDA)
  ${INSTALL} @tensorflow/tfjs-node@${VERSION}   (CPU)
  npm ci   (its WebAssembly backend is among the development dependencies: anywhere, slowest)`;

/**
 * Loads TensorFlow.js. All its users in a process share one copy and one current backend.
 *
 * @param among - backends to try, in this order
 * @throws EngineError that says what to install, when no backend loads
 */
export async function loadTensorFlow(among: readonly Backend[] = BACKENDS): Promise<LoadedTensorFlow> {
  const broken: string[] = [];
  for (const backend of among) {
    try {
      const { tf, description } = await LOADERS[backend]();
      return { tf, backend, description: [description, ...broken].join('; ') };
    } catch (error) {
      if (!isMissing(error as Error)) broken.push(`${backend} does not load (${firstLine(error as Error)})`);
    }
  }
  throw new EngineError([MISSING, ...broken].join('\n'));
}

type Found = Omit<LoadedTensorFlow, 'backend'>;
const LOADERS: Readonly<Record<Backend, () => Promise<Found>>> = {
  'node-gpu': () => loadNative('@tensorflow/tfjs-node-gpu'),
  node: () => loadNative('@tensorflow/tfjs-node'),
  wasm: loadWasm,
  cpu: loadCpu,
};

/** The fields of the native backend that this file reads. */
interface NativeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

async function loadNative(name: string): Promise<Found> {
  // tfjs-node 4.22.0 still calls functions that Node 23 removed from `util`.
  const legacy = util as unknown as Record<string, (value: unknown) => boolean>;
  legacy.isNullOrUndefined ??= (value) => value === null || value === undefined;
  legacy.isArray ??= Array.isArray;
  const tf: TensorFlow = await importPackage(name);
  await choose(tf, 'tensorflow');
  const { isUsingGpuDevice, binding } = tf.backend() as unknown as NativeBackend;
  const device = isUsingGpuDevice ? 'GPU' : 'CPU';
  return { tf, description: `TensorFlow ${binding.TF_Version} on the ${device} (${name})` };
}

async function loadWasm(): Promise<Found> {
  const tf: TensorFlow = await importPackage('@tensorflow/tfjs-core');
  const { setWasmPaths } = await importPackage<typeof import('@tensorflow/tfjs-backend-wasm')>(
    '@tensorflow/tfjs-backend-wasm',
  );
  const folder = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json');
  setWasmPaths(join(dirname(folder), 'dist/'));
  await choose(tf, 'wasm');
  return { tf, description: `TensorFlow.js ${tf.version_core} on WebAssembly` };
}

async function loadCpu(): Promise<Found> {
  const tf: TensorFlow = await importPackage('@tensorflow/tfjs-core');
  await importPackage('@tensorflow/tfjs-backend-cpu');
  tf.env().set('IS_NODE', false); // otherwise it advertises its native backend on stderr
  await choose(tf, 'cpu');
  return { tf, description: `TensorFlow.js ${tf.version_core} in plain JavaScript` };
}

/** Takes the name as a variable, so that the type checker does not resolve it: the package may be missing. */
async function importPackage<T>(name: string): Promise<T> {
  const found = await import(name);
  return found.setBackend === undefined && found.default !== undefined ? found.default : found;
}

async function choose(tf: TensorFlow, backend: string): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`backend ${backend} does not start`);
  await tf.ready();
}

const isMissing = (error: NodeJS.ErrnoException): boolean =>
  error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes("package '@tensorflow/");

const firstLine = (error: Error): string => error.message.split('\n', 1)[0];
