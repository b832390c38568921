// The codec as the learner sees it: every decision is told to the host.
// @ts-ignore: decorator
@global
const LEARNING: bool = true;
export * from './codec';
export { WEIGHT_COUNT } from './contexts';
export { WEIGHTS_AT } from './weights';
