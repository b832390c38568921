/** The trainer's WASM module, and which shape of its tiles (`assembly/tiles.ts`) is the quicker one here. */
import { setFlagsFromString } from 'node:v8';
import { loadModule } from '../engines/wasm/modules.ts';

/** Long enough that V8 has compiled the tiles with its optimising compiler in the meantime. */
const MEASURED_MS = 40;
const FEWEST_ROUNDS = 10;
const CALLS_A_ROUND = 250;
const INPUTS = 48;

let loaded: WebAssembly.Module | undefined;

/**
 * Asks V8 to fuse neighbouring vectors into 256-bit ones before it compiles: on x86 with AVX2 the wide tiles then
 * take half the time. The flag is experimental, so nothing but speed may hang on it: results are the same to the
 * bit with and without, and `tilesAreWide` finds out whether it did anything.
 */
export function loadTrainer(): WebAssembly.Module {
  if (loaded) return loaded;
  setFlagsFromString('--experimental-wasm-revectorize');
  loaded = loadModule('trainer');
  return loaded;
}

const measured = new WeakMap<WebAssembly.Module, boolean>();

/** Measured once a module, in about 40 ms. */
export function tilesAreWide(module: WebAssembly.Module): boolean {
  const known = measured.get(module);
  if (known !== undefined) return known;
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536, shared: true });
  const { activate, useWideTiles } = new WebAssembly.Instance(module, { env: { memory } })
    .exports as unknown as {
    activate(input: number, output: number, weights: number, bias: number, inputs: number): void;
    useWideTiles(use: number): void;
  };
  const [input, output, weights, bias] = [65_536, 69_632, 73_728, 77_824];
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const started = performance.now();
  // The best of many short rounds: whoever else computes here slows some of them, not all.
  for (let round = 0; round < FEWEST_ROUNDS || performance.now() - started < MEASURED_MS; round++) {
    for (const wide of [0, 1]) {
      useWideTiles(wide);
      const began = performance.now();
      for (let i = 0; i < CALLS_A_ROUND; i++) activate(input, output, weights, bias, INPUTS);
      best[wide] = Math.min(best[wide], performance.now() - began);
    }
  }
  const wide = best[1] < best[0];
  measured.set(module, wide);
  return wide;
}
