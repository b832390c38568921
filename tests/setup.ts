/** Before every test file: whatever encodes or decodes pages finds the codec loaded. */
import { readPageCodec } from '../server/stream/codec.ts';

await readPageCodec();
