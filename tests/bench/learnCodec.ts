/**
 * `node tests/bench/learnCodec.ts [--weights DIR]... [--distill DIR]`: learns the odds of the page codec and writes
 * `shared/codec/assembly/weights.ts`. A build of the codec that reports every decision with its contexts encodes films
 * of the rules; logistic regression then finds a weight for each context. Contexts do not depend on weights, so one
 * pass over the films is enough.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { PAGE_BYTES } from '../../shared/geometry.ts';
import { seededRandom } from '../engines/fixtures.ts';
import { distillRules, type Film, shippedRules, shoot } from './films.ts';

const root = join(import.meta.dirname, '../..');
const OUTPUT = 'shared/codec/assembly/weights.ts';
/** How many contexts a decision has. */
const CONTEXTS = 8;
const MAX_DECISIONS = 16_000_000;
const EPSILONS = [0, 1, 2] as const;
const EPOCHS = 4;
/** Log-odds are stored in 1/256. */
const SCALE = 256;
/** Eight of them stay within the coder's table (LIMIT in `shared/codec/assembly/model.ts`). */
const WEIGHT_LIMIT = 2_900;

const { values } = parseArgs({
  options: { weights: { type: 'string', multiple: true, default: [] }, distill: { type: 'string' } },
});
const rules = [
  ...shippedRules(),
  ...values.weights.flatMap((folder) => shippedRules(folder)),
  ...(values.distill === undefined ? [] : distillRules(values.distill)),
];

interface Tracing {
  readonly memory: WebAssembly.Memory;
  readonly PAGE_AT: WebAssembly.Global;
  readonly TRUTH_AT: WebAssembly.Global;
  readonly WEIGHTS_AT: WebAssembly.Global;
  readonly WEIGHT_COUNT: WebAssembly.Global;
  encode(epsilon: number): number;
}

/** Every decision of all films: its contexts, its outcome, and its kind of frame. */
class Decisions {
  readonly contexts = new Uint16Array(MAX_DECISIONS * CONTEXTS);
  readonly bits = new Uint8Array(MAX_DECISIONS);
  readonly kinds = new Uint8Array(MAX_DECISIONS);
  readonly kindNames: string[] = [];
  count = 0;
  #kind = -1;

  /** The kind of the decisions that follow; null: they are not kept. */
  begin(kind: string | null): void {
    if (kind !== null && !this.kindNames.includes(kind)) this.kindNames.push(kind);
    this.#kind = kind === null ? -1 : this.kindNames.indexOf(kind);
  }

  add(bit: number, contexts: readonly number[]): void {
    if (this.#kind < 0 || this.count === MAX_DECISIONS) return;
    for (let i = 0; i < CONTEXTS; i++) this.contexts[this.count * CONTEXTS + i] = contexts[i];
    this.bits[this.count] = bit;
    this.kinds[this.count] = this.#kind;
    this.count++;
  }
}

function buildTracing(): WebAssembly.Module {
  const folder = mkdtempSync(join(tmpdir(), 'learn-codec-'));
  try {
    const output = join(folder, 'learn.wasm');
    const compiler = join(
      dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')),
      'bin/asc.js',
    );
    const flags = ['-O3', '--transform', './server/inline.js', '--runtime', 'stub', '--noAssert'];
    flags.push('--enable', 'simd', '--use', 'LEARNING=1', '--outFile', output);
    execFileSync(process.execPath, [compiler, 'shared/codec/assembly/learn.ts', ...flags], { cwd: root });
    return new WebAssembly.Module(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function watch(film: Film, codec: Tracing, decisions: Decisions): void {
  const memory = new Uint8Array(codec.memory.buffer);
  const page = memory.subarray(codec.PAGE_AT.value, codec.PAGE_AT.value + PAGE_BYTES);
  const truth = memory.subarray(codec.TRUTH_AT.value, codec.TRUTH_AT.value + PAGE_BYTES);
  // The frames of a film are alike. Quiet ones have few decisions each, but are most of the stream.
  const stride = film.scene === 'grown' ? 3 : 8;
  for (const epsilon of EPSILONS) {
    const published = new Map([...film.start].map(([index, pixels]) => [index, pixels.slice()]));
    for (const [n, frame] of film.frames.entries()) {
      for (const [index, pixels] of frame) {
        decisions.begin(n % stride === 0 ? `${film.scene} ${epsilon}` : null);
        page.set(published.get(index)!);
        truth.set(pixels);
        codec.encode(epsilon);
        published.get(index)!.set(page);
      }
    }
  }
  decisions.begin('keyframe');
  for (const frame of film.frames.filter((_, n) => n % 24 === 3)) {
    for (const pixels of frame.values()) {
      page.fill(0);
      truth.set(pixels);
      codec.encode(0);
    }
  }
}

/** Stochastic logistic regression (AdaGrad). Kinds have weights, so that short payloads count as much as long ones. */
function learn(decisions: Decisions, count: number): Float32Array {
  const { contexts, bits, kinds, kindNames, count: length } = decisions;
  const weights = new Float32Array(count);
  const squares = new Float32Array(count).fill(1e-4);
  const stress = new Float64Array(kindNames.length).fill(1);
  const random = seededRandom(1);
  const order = new Uint32Array(length).map((_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const rate = 0.25 * 0.55 ** epoch;
    const cost = new Float64Array(kindNames.length);
    for (let n = 0; n < length; n++) {
      const first = order[n] * CONTEXTS;
      let odds = 0;
      for (let i = 0; i < CONTEXTS; i++) odds += weights[contexts[first + i]];
      const probability = 1 / (1 + Math.exp(-odds));
      const bit = bits[order[n]];
      const kind = kinds[order[n]];
      cost[kind] -= Math.log2(Math.max(1e-5, bit === 1 ? probability : 1 - probability));
      const slope = (bit - probability) * stress[kind];
      for (let i = 0; i < CONTEXTS; i++) {
        const context = contexts[first + i];
        if (context === 0) continue;
        const gradient = slope - 1e-6 * weights[context];
        squares[context] += gradient * gradient;
        weights[context] += (rate * gradient) / Math.sqrt(squares[context]);
      }
    }
    const total = cost.reduce((sum, bitsSpent) => sum + bitsSpent, 0);
    if (epoch === 0)
      for (const kind of cost.keys()) stress[kind] = Math.min(8, Math.sqrt(total / cost.length / cost[kind]));
    const shown = kindNames.map((name, kind) => `${name}: ${(cost[kind] / 8_000).toFixed(2)}`);
    console.log(`epoch ${epoch + 1}: ${(total / 8_000).toFixed(1)} kB (${shown.join(', ')})`);
  }
  return weights;
}

function write(weights: Float32Array): void {
  const lines = [
    '// Log-odds in 1/256, by context (contexts.ts). Written by tests/bench/learnCodec.ts, from films of',
    `// ${rules.map(({ name }) => name).join(', ')}.`,
    'export const WEIGHTS_AT: usize = memory.data<i16>([',
  ];
  let line = '';
  for (const weight of weights) {
    const text = `${Math.round(Math.max(-WEIGHT_LIMIT, Math.min(WEIGHT_LIMIT, weight * SCALE)))},`;
    if (line.length + text.length > 110) {
      lines.push(line);
      line = '';
    }
    line += text;
  }
  lines.push(line, '], 16);', '');
  writeFileSync(join(root, OUTPUT), lines.join('\n'));
}

const decisions = new Decisions();
const trace = (bit: number, ...contexts: number[]): void => decisions.add(bit, contexts);
const instance = await WebAssembly.instantiate(buildTracing(), { model: { trace } });
const codec = instance.exports as unknown as Tracing;
for (const rule of rules) {
  for (const [randomSeed, x, y] of [
    [11, 96, 96],
    [12, 75, 118],
  ]) {
    const films = await shoot(rule, { randomSeed, x, y, frames: 45, wounds: 3 });
    for (const film of films) watch(film, codec, decisions);
  }
  console.log(`${rule.name}: ${decisions.count.toLocaleString('en')} decisions`);
}
write(learn(decisions, codec.WEIGHT_COUNT.value));
console.log(`wrote ${OUTPUT}`);
