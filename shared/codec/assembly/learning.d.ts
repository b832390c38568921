/** Defined, by the compiler's `--use`, in the build that learns the weights (tests/bench/learnCodec.ts). */
declare const LEARNING: bool;
