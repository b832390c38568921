/** Chooses the engine and says why. */
import { type Engine, EngineError, type EngineOptions } from './engine.ts';
import { LastingEngine } from './lasting.ts';
import { createReferenceEngine } from './reference.ts';
import { createTfjsEngine } from './tfjs/engine.ts';
import { createWasmEngine } from './wasm/engine.ts';
import { AdapterError, type KernelChoice } from './webgpu/device.ts';
import { createWebGpuEngine } from './webgpu/engine.ts';

export interface CreateOptions extends EngineOptions {
  /** wasm and tfjs: threads that run the kernels, including the calling thread. Default 1. */
  readonly threads?: number;
  /** webgpu: `auto` (no software adapter), `swiftshader`, or part of an adapter's name. Default `auto`. */
  readonly adapter?: string;
  /** webgpu: `auto`, `plain` or `f16` (`webgpu/device.ts`). Default `auto`. */
  readonly kernels?: KernelChoice;
  /** Takes a line for the operator when a GPU is lost: why, and which engine replaces it. Default: standard error. */
  readonly log?: (line: string) => void;
}

export interface ChosenEngine {
  readonly engine: Engine;
  /** Printed at start: why this engine was chosen. */
  readonly reason: string;
}

const ENGINES: Readonly<Record<string, (options: CreateOptions) => Promise<Engine>>> = {
  wasm: createWasmEngine,
  webgpu: createLastingGpu,
  tfjs: createTfjsEngine,
  reference: createReferenceEngine,
};

/** The values of `--engine`. */
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

/** A GPU if there is one, else wasm. A software adapter is never chosen: it must be named. */
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
  const { log = (line: string) => console.error(line) } = options;
  return new LastingEngine(await again(), options.randomSeed, { again, spare, log });
}
