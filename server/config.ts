/** Every setting, with its default, unit and range; the only reader of the environment and the command line. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly engine: 'auto' | 'wasm' | 'reference';
  readonly width: number;
  readonly height: number;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  /** Organisms planted at first start. */
  readonly garden: number;
  readonly randomSeed: number;
  readonly dataDir: string;
  readonly weightsDir: string;
  readonly saveSeconds: number;
}
