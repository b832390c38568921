/** Loads the page codec on the server. */
import { readFileSync } from 'node:fs';
import { loadPageCodec, PAGE_CODEC_URL } from '../../shared/pageCodec.ts';

/**
 * Must be called once in each thread that encodes or decodes pages.
 *
 * @throws Error that says to build, when the file is missing
 */
export async function readPageCodec(): Promise<void> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = readFileSync(PAGE_CODEC_URL);
  } catch (cause) {
    throw new Error(`${PAGE_CODEC_URL.pathname} is missing: run \`npm run build\` first`, { cause });
  }
  await loadPageCodec(new WebAssembly.Module(bytes));
}
