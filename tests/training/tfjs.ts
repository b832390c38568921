/** The oracle's tfjs: plain JavaScript, the one backend that has every kernel. */
import { loadWithGradients } from '../../server/training/tfjsGradients.ts';

export const { tf } = await loadWithGradients(['cpu']);
