// The codec for learning its weights (tests/bench/learnCodec.ts): it reports every decision to the host.
export * from './codec';
export { WEIGHT_COUNT } from './contexts';
export { WEIGHTS_AT } from './weights';
