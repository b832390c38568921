/** The oracle's tfjs: in plain JavaScript, the one backend that has every kernel and hides nothing. */
import { loadWithGradients } from '../../server/training/tfjsGradients.ts';

export const { tf } = await loadWithGradients(['cpu']);
