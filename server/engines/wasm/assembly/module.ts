// The entry of the engine's module: the functions that TypeScript calls.
export { apply } from './apply';
export { muster } from './awake';
export { fireBits } from './fire';
export { denseBlock, useWideTiles } from './mlp';
export { lead, work } from './phases';
export { sense } from './sense';
export { settle } from './settle';
