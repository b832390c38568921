/** Chooses the engine and says why. */
import { type Engine, EngineError, type EngineOptions } from './engine.ts';
import { createReferenceEngine } from './reference.ts';
import { createWasmEngine } from './wasm/engine.ts';

export interface CreateOptions extends EngineOptions {
  /** Threads of the wasm engine, the calling one included. Default 1. */
  readonly threads?: number;
}

export interface ChosenEngine {
  readonly engine: Engine;
  /** For people, printed at start: why this engine. */
  readonly reason: string;
}

const ENGINES: Readonly<Record<string, (options: CreateOptions) => Promise<Engine>>> = {
  wasm: createWasmEngine,
  reference: createReferenceEngine,
};

/** What `--engine` takes. */
export const ENGINE_NAMES: readonly string[] = ['auto', ...Object.keys(ENGINES)];

/**
 * @param name - one of `ENGINE_NAMES`
 * @throws EngineError for another name, or options that do not fit
 */
export async function createEngine(name: string, options: CreateOptions): Promise<ChosenEngine> {
  if (name === 'auto')
    return {
      engine: await createWasmEngine(options),
      reason: 'the fastest engine that every machine can run',
    };
  if (!Object.hasOwn(ENGINES, name)) {
    throw new EngineError(`unknown engine "${name}": expected one of ${ENGINE_NAMES.join(', ')}`);
  }
  return { engine: await ENGINES[name](options), reason: 'asked for' };
}
