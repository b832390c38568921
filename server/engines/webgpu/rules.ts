/** Rules as the update kernel reads them: all weights in one buffer, and a table of where each rule begins. */
import { CHANNELS, MAX_HIDDEN, PERCEPTION, type Rule } from '../../rules/rule.ts';
import type { Extent } from '../bounds.ts';
import { EngineError, type OrganismId, type RuleSlot } from '../engine.ts';
import { fireThreshold } from '../fire.ts';
import * as at from './layout.ts';
import type { GpuMemory } from './memory.ts';

const vectorsOf = (hidden: number): number => at.WEIGHTS_HEAD + (hidden / 4) * at.WEIGHTS_GROUP;

export class GpuRules {
  /** Replaced when it grows; `memory.version` then counts up. */
  weights: GPUBuffer;
  readonly #memory: GpuMemory;
  readonly #rules = new Map<RuleSlot, { readonly rule: Rule; readonly first: number }>();
  /** Scratch: a row of the table of rules or of organisms. */
  readonly #row = new Uint32Array(Math.max(at.TABLE_RULE_WORDS, at.TABLE_ORGANISM_WORDS));
  readonly #isHalf: boolean;
  readonly #vectorBytes: number;
  /** Vectors in use, including gaps. */
  #used = 0;

  /** @param isHalf - weights are float16; the kernels must be compiled for that (`KernelForm`) */
  constructor(memory: GpuMemory, isHalf: boolean) {
    this.#memory = memory;
    this.#isHalf = isHalf;
    this.#vectorBytes = isHalf ? 8 : 16;
    this.weights = memory.make('weights', 4 * vectorsOf(MAX_HIDDEN) * this.#vectorBytes);
  }

  has(slot: RuleSlot): boolean {
    return this.#rules.has(slot);
  }

  /** The rule must be valid (`checkRule`). @throws EngineError for a weight that float16 cannot hold */
  set(slot: RuleSlot, rule: Rule): void {
    if (this.#isHalf) checkHalf(rule);
    const old = this.#rules.get(slot);
    const size = vectorsOf(rule.hidden);
    let first = this.#used;
    if (old !== undefined && vectorsOf(old.rule.hidden) >= size) first = old.first;
    else this.#used += size;
    this.#rules.set(slot, { rule, first });
    if (this.#used * this.#vectorBytes > this.weights.size) this.#pack();
    else this.#write(slot);
  }

  /** @param extent - cells that the organism may own */
  assign(organism: OrganismId, slot: RuleSlot, { left, right, top, bottom }: Extent): void {
    this.#row[at.TABLE_ORGANISM_SLOT] = slot;
    this.#row[at.TABLE_ORGANISM_COLUMNS] = left | (right << 16);
    this.#row[at.TABLE_ORGANISM_ROWS] = top | (bottom << 16);
    this.#memory.device.queue.writeBuffer(
      this.#memory.tables,
      (at.TABLE_ORGANISMS + organism * at.TABLE_ORGANISM_WORDS) * 4,
      this.#row,
      0,
      at.TABLE_ORGANISM_WORDS,
    );
  }

  /** Moves all rules together, without the gaps of replaced rules, into a larger buffer if needed. */
  #pack(): void {
    this.#used = 0;
    for (const [slot, { rule }] of this.#rules) {
      this.#rules.set(slot, { rule, first: this.#used });
      this.#used += vectorsOf(rule.hidden);
    }
    const roomy = this.#used * 2 * this.#vectorBytes;
    if (roomy > this.weights.size) {
      this.weights.destroy();
      this.weights = this.#memory.make('weights', roomy);
      this.#memory.version++;
    }
    for (const slot of this.#rules.keys()) this.#write(slot);
  }

  #write(slot: RuleSlot): void {
    const { rule, first } = this.#rules.get(slot)!;
    const { queue } = this.#memory.device;
    const packed = packWeights(rule);
    // Dawn's binding divides by the element size, which it does not know for Float16Array.
    const written = this.#isHalf ? new Uint16Array(new Float16Array(packed).buffer) : packed;
    queue.writeBuffer(this.weights, first * this.#vectorBytes, written);
    this.#row.set([first, rule.hidden, fireThreshold(rule.fireRate), 0]);
    queue.writeBuffer(this.#memory.tables, slot * at.TABLE_RULE_WORDS * 4, this.#row);
  }
}

/** The largest float16. */
const MAX_HALF = 65_504;

function checkHalf({ name, w1, b1, w2, b2 }: Rule): void {
  for (const [tensor, values] of Object.entries({ w1, b1, w2, b2 })) {
    const large = values.find((value) => Math.abs(Math.f16round(value)) > MAX_HALF);
    if (large !== undefined) {
      throw new EngineError(`rule ${name}: ${tensor} holds ${large}, float16 at most ${MAX_HALF}`);
    }
  }
}

/** Lays weights out as `WEIGHTS_GROUP` in `layout.ts` says. */
export function packWeights({ hidden, w1, b1, w2, b2 }: Rule): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(vectorsOf(hidden) * 4);
  packed.set(b2);
  let to = at.WEIGHTS_HEAD * 4;
  for (let unit = 0; unit < hidden; unit += 4) {
    for (let u = 0; u < 4; u++) packed[to++] = b1[unit + u];
    for (let input = 0; input < PERCEPTION; input++) {
      for (let u = 0; u < 4; u++) packed[to++] = w1[(unit + u) * PERCEPTION + input];
    }
    for (let u = 0; u < 4; u++) {
      for (let output = 0; output < CHANNELS; output++) packed[to++] = w2[output * hidden + unit + u];
    }
  }
  return packed;
}
