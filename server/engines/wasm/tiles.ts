/** Which shape of a module's tiles (`assembly/mlp.ts`) is the quicker one here: the engine's and the trainer's alike. */
import type { Kernel } from './kernel.ts';

/** Over when neither shape has become much quicker for so long: V8 compiles the tiles in the meantime, beside us. */
const SETTLED_MS = 40;
const MAX_MS = 400;
/** The optimising compiler's code is several times as quick as what runs before it. */
const MUCH_QUICKER = 0.8;
const CALLS_A_ROUND = 16;
const INPUTS = 48;
const OUTPUTS = 64;
const [INPUT_AT, OUTPUT_AT, WEIGHTS_AT, BIAS_AT] = [65_536, 69_632, 73_728, 86_016];

type Tiles = Pick<Kernel, 'useWideTiles' | 'denseBlock'>;

const measured = new WeakMap<WebAssembly.Module, boolean>();

/**
 * Measured once a module: 50 to 80 ms on a busy machine, 0.4 s at most. Where V8's compiler gets no turn in all that
 * time, unoptimised tiles are compared: the choice may be the slower one, never a wrong one.
 */
export function tilesAreWide(module: WebAssembly.Module): boolean {
  const known = measured.get(module);
  if (known !== undefined) return known;
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536, shared: true });
  const tiles = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Tiles;
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const started = performance.now();
  let now = started;
  // The best of many rounds of some 20 µs, in turn: whoever else computes here slows some of them, not all.
  for (let changed = started; now - changed < SETTLED_MS && now - started < MAX_MS; ) {
    for (const wide of [0, 1]) {
      tiles.useWideTiles(wide);
      const began = performance.now();
      for (let i = 0; i < CALLS_A_ROUND; i++)
        tiles.denseBlock(INPUT_AT, OUTPUT_AT, WEIGHTS_AT, BIAS_AT, INPUTS, OUTPUTS, 1);
      now = performance.now();
      if (now - began < best[wide] * MUCH_QUICKER) changed = now;
      best[wide] = Math.min(best[wide], now - began);
    }
  }
  const wide = best[1] < best[0];
  measured.set(module, wide);
  return wide;
}
