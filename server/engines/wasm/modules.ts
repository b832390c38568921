/** Loads compiled WASM modules, in the variant that this runtime can run. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

// The smallest module that uses f32x4.relaxed_madd: it validates only where relaxed SIMD exists.
const RELAXED_SAMPLE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 14, 1, 12, 0, 32, 0, 32,
  1, 32, 2, 253, 133, 130, 0, 11,
]);

export const hasRelaxedSimd = (): boolean => WebAssembly.validate(RELAXED_SAMPLE);

const loaded = new Map<string, WebAssembly.Module>();

/**
 * Compiles `built/<name>.relaxed.wasm` where the runtime has relaxed SIMD, else `<name>.plain.wasm`; once per
 * process.
 *
 * V8 is asked to fuse neighbouring vectors into 256-bit ones: on x86 with AVX2 the wide tiles of `assembly/mlp.ts` then
 * take half the time. The flag is experimental, so only speed may depend on it: results are the same to the bit with
 * and without, and `tiles.ts` measures whether it helped. It applies to the whole process, including its threads.
 *
 * @throws Error that says to build, when the file is missing
 */
export function loadModule(name: string, relaxed = hasRelaxedSimd()): WebAssembly.Module {
  const path = `${name}.${relaxed ? 'relaxed' : 'plain'}.wasm`;
  const known = loaded.get(path);
  if (known) return known;
  const file = new URL(`./built/${path}`, import.meta.url);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new Error(`${file.pathname} is missing: run \`npm run build\` first`, { cause });
  }
  setFlagsFromString('--experimental-wasm-revectorize'); // must be set before the module compiles
  const module = new WebAssembly.Module(bytes);
  loaded.set(path, module);
  return module;
}
