/** Loads the page codec before every test file. */
import { readPageCodec } from '../server/stream/codec.ts';

await readPageCodec();
