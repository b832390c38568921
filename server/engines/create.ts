/** Chooses the engine and says why. */
import { type Engine, EngineError, type EngineOptions } from './engine.ts';
import { LastingEngine } from './lasting.ts';
import { createReferenceEngine } from './reference.ts';
import { createTfjsEngine } from './tfjs/engine.ts';
import { createWasmEngine } from './wasm/engine.ts';
import { AdapterError, type KernelChoice } from './webgpu/device.ts';
import { createWebGpuEngine } from './webgpu/engine.ts';

export interface CreateOptions extends EngineOptions {
  /** Threads of the wasm and tfjs engines' kernels, the calling one included. Default 1. */
  readonly threads?: number;
  /** Of the webgpu engine: `auto` (no software), `swiftshader`, or part of an adapter's name. Default `auto`. */
  readonly adapter?: string;
  /** Of the webgpu engine: `auto`, `plain` or `f16` (`webgpu/device.ts`). Default `auto`. */
  readonly kernels?: KernelChoice;
  /** Told when a GPU was lost and what goes on in its place. Default: standard error. */
  readonly onLoss?: (message: string) => void;
}

export interface ChosenEngine {
  readonly engine: Engine;
  /** For people, printed at start: why this engine. */
  readonly reason: string;
}

const ENGINES: Readonly<Record<string, (options: CreateOptions) => Promise<Engine>>> = {
  wasm: createWasmEngine,
  webgpu: createLastingGpu,
  tfjs: createTfjsEngine,
  reference: createReferenceEngine,
};

/** What `--engine` takes. */
export const ENGINE_NAMES: readonly string[] = ['auto', ...Object.keys(ENGINES)];

/**
 * @param name - one of `ENGINE_NAMES`
 * @throws EngineError for another name, or options that do not fit
 */
export async function createEngine(name: string, options: CreateOptions): Promise<ChosenEngine> {
  if (name === 'auto') return chooseEngine(options);
  if (!Object.hasOwn(ENGINES, name)) {
    throw new EngineError(`unknown engine "${name}": expected one of ${ENGINE_NAMES.join(', ')}`);
  }
  return { engine: await ENGINES[name](options), reason: 'asked for' };
}

/** A GPU where there is one; a software adapter only if it was named. */
async function chooseEngine(options: CreateOptions): Promise<ChosenEngine> {
  try {
    return { engine: await createLastingGpu(options), reason: 'auto: there is a GPU' };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return { engine: await createWasmEngine(options), reason: `auto: ${error.message}` };
  }
}

async function createLastingGpu(options: CreateOptions): Promise<Engine> {
  const again = () => createWebGpuEngine(options);
  const spare = () => createWasmEngine(options);
  const { onLoss = (message: string) => console.error(message) } = options;
  return new LastingEngine(await again(), options.randomSeed, { again, spare, onLoss });
}
