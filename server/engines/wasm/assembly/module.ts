// The entry of the engine's module: the functions that TypeScript calls.
export { apply, muster, sense, settle } from './engine';
export { fireBits } from './fire';
export { denseBlock, useWideTiles } from './mlp';
export { lead, work } from './phases';
