/** The kernels of `assembly/` as TypeScript calls them. */

export interface Kernel {
  useWideTiles(use: number): void;
  muster(length: number, deltaRecords: number): number;
  lead(phase: number, helpers: number): number;
  work(thread: number, seen: number): void;
  fireBits(randomSeed: number, step: number, x: number, y: number, threshold: number): bigint;
  denseBlock(
    input: number,
    output: number,
    weights: number,
    bias: number,
    inputs: number,
    outputs: number,
    relu: number,
  ): void;
}

/**
 * Makes a thread's own kernel over the engine's memory; threads share only the memory.
 *
 * @param wideTiles - the shape of the tiles; both give the same result to the bit (`tiles.ts`)
 */
export async function instantiateKernel(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  wideTiles: boolean,
): Promise<Kernel> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const kernel = instance.exports as unknown as Kernel;
  kernel.useWideTiles(wideTiles ? 1 : 0);
  return kernel;
}
