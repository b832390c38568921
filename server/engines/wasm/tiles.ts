/** Measures which shape of tiles (`assembly/mlp.ts`) is faster on this machine, for the engine and the trainer. */
import type { Kernel } from './kernel.ts';

/** The measurement ends when neither shape has become much faster for this long; V8 optimises the tiles meanwhile. */
const SETTLED_MS = 40;
const MAX_MS = 400;
/** Much faster: below this share of the best time so far. Optimised code is several times faster than unoptimised. */
const MUCH_FASTER = 0.8;
const CALLS_PER_ROUND = 16;
const INPUTS = 48;
const OUTPUTS = 64;
const [INPUT_AT, OUTPUT_AT, WEIGHTS_AT, BIAS_AT] = [65_536, 69_632, 73_728, 86_016];

type Tiles = Pick<Kernel, 'useWideTiles' | 'denseBlock'>;

const measured = new WeakMap<WebAssembly.Module, boolean>();

/**
 * Measures once per module: 50 to 80 ms on a busy machine, 0.4 s at most. If V8 optimises nothing in that time, the
 * choice may be the slower shape; the results are the same.
 */
export function tilesAreWide(module: WebAssembly.Module): boolean {
  const known = measured.get(module);
  if (known !== undefined) return known;
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536, shared: true });
  const tiles = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Tiles;
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const started = performance.now();
  let now = started;
  // Both shapes take turns in many rounds of about 20 µs, and the best round of each counts: other work on this
  // machine slows some rounds, not all.
  for (let changed = started; now - changed < SETTLED_MS && now - started < MAX_MS; ) {
    for (const wide of [0, 1]) {
      tiles.useWideTiles(wide);
      const began = performance.now();
      for (let i = 0; i < CALLS_PER_ROUND; i++)
        tiles.denseBlock(INPUT_AT, OUTPUT_AT, WEIGHTS_AT, BIAS_AT, INPUTS, OUTPUTS, 1);
      now = performance.now();
      if (now - began < best[wide] * MUCH_FASTER) changed = now;
      best[wide] = Math.min(best[wide], now - began);
    }
  }
  const wide = best[1] < best[0];
  measured.set(module, wide);
  return wide;
}
