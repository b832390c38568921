/** The page codec on this side: read from where the build put it. */
import { readFileSync } from 'node:fs';
import { loadPageCodec, PAGE_CODEC_URL } from '../../shared/pageCodec.ts';

/**
 * Once a thread that encodes or decodes pages.
 *
 * @throws Error that says to build when the file is not there
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
