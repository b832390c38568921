/** Mature sizes as the world's census counts them: every rule grown alone, in the middle of an empty field. */
import { createWasmEngine } from '../../../server/engines/wasm/engine.ts';
import { loadRules } from '../../../server/rules/load.ts';

const SIDE = 192;
/** All shipped rules are grown by step 200. */
const MATURE_STEPS = 300;
/** A body flickers: the mean of several looks is its size. */
const LOOKS = 8;
const LOOK_STEPS = 25;

/** @returns cells by rule. @throws Error when a rule grows nothing */
export async function matureSizes(weightsDir: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const rule of loadRules(weightsDir)) {
    const engine = await createWasmEngine({ width: SIDE, height: SIDE, randomSeed: 1, threads: 1 });
    try {
      engine.setRule(0, rule);
      engine.plant(1, 0, SIDE / 2, SIDE / 2);
      await engine.step(MATURE_STEPS);
      let cells = 0;
      for (let look = 0; look < LOOKS; look++) {
        await engine.step(LOOK_STEPS);
        for (const one of await engine.census()) cells += one.cells / LOOKS;
      }
      if (cells < 1) throw new Error(`${rule.name} grows nothing by itself`);
      sizes.set(rule.name, cells);
    } finally {
      engine.dispose();
    }
  }
  return sizes;
}
