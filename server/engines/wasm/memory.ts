/** The engine's shared memory: typed views of the fixed part, page records that it grows to hold. */

import type { Rule } from '../../rules/rule.ts';
import { fireThreshold } from '../fire.ts';
import * as at from './assembly/layout.ts';
import { packLayer } from './weights.ts';

const WASM_PAGE_BYTES = 65_536;
/** Grown by this many records at a time: 18 MB of addresses, committed only where touched. */
const GROWTH = 32;

export class EngineMemory {
  readonly memory: WebAssembly.Memory;
  /** Page records that may ever exist, the zero page not counted. */
  readonly maxPages: number;
  /** u8, i32 … over all of memory; replaced when it grows. */
  bytes!: Uint8Array;
  ints!: Int32Array;
  words!: Uint16Array;
  floats!: Float32Array;
  private records = 1;
  private readonly slots = new Set<number>();

  constructor(maxPages: number) {
    this.maxPages = Math.min(maxPages, at.MAX_PAGES - 1);
    const wasmPages = (records: number) =>
      Math.ceil((at.PAGES_AT + records * at.PAGE_RECORD_BYTES) / WASM_PAGE_BYTES);
    const maximum = wasmPages(this.maxPages + 1);
    this.memory = new WebAssembly.Memory({ initial: wasmPages(1), maximum, shared: true });
    this.lookAgain();
  }

  /** A new page record, all zeros. @returns its address, or 0 when there is no memory left */
  addRecord(): number {
    if (this.records > this.maxPages) return 0;
    const address = at.PAGES_AT + this.records * at.PAGE_RECORD_BYTES;
    const missing = address + at.PAGE_RECORD_BYTES - this.bytes.length;
    if (missing > 0 && !this.grow(missing)) return 0;
    this.records++;
    return address;
  }

  /** Makes room for this many records in all. @returns false, and nothing has changed, when there is none */
  reserve(records: number): boolean {
    const missing = at.PAGES_AT + (records + 1) * at.PAGE_RECORD_BYTES - this.bytes.length;
    return missing <= 0 || this.grow(missing);
  }

  setRule(slot: number, rule: Rule): void {
    const address = at.RULES_AT + slot * at.RULE_RECORD_BYTES;
    this.ints[(address + at.HIDDEN_AT) >>> 2] = rule.hidden;
    this.ints[thresholdIndex(slot)] = fireThreshold(rule.fireRate);
    this.slots.add(slot);
    const thresholds = new Set(Array.from(this.slots, (used) => this.ints[thresholdIndex(used)]));
    this.ints[at.COMMON_THRESHOLD_AT >>> 2] = thresholds.size === 1 ? [...thresholds][0] : -1;
    this.floats.set(rule.b1, (address + at.B1_AT) >>> 2);
    this.floats.set(rule.b2, (address + at.B2_AT) >>> 2);
    this.floats.set(packLayer(rule.w1, rule.hidden, 48), (address + at.W1_AT) >>> 2);
    this.floats.set(packLayer(rule.w2, 16, rule.hidden), (address + at.W2_AT) >>> 2);
  }

  hasRule(slot: number): boolean {
    return this.slots.has(slot);
  }

  private grow(missingBytes: number): boolean {
    const delta = Math.max(missingBytes, GROWTH * at.PAGE_RECORD_BYTES);
    for (const bytes of [delta, missingBytes]) {
      try {
        this.memory.grow(Math.ceil(bytes / WASM_PAGE_BYTES));
        this.lookAgain();
        return true;
      } catch {
        // Past the maximum, or the system has no more: the smaller step may still fit.
      }
    }
    return false;
  }

  private lookAgain(): void {
    const { buffer } = this.memory;
    this.bytes = new Uint8Array(buffer);
    this.ints = new Int32Array(buffer);
    this.words = new Uint16Array(buffer);
    this.floats = new Float32Array(buffer);
  }
}

const thresholdIndex = (slot: number): number =>
  (at.RULES_AT + slot * at.RULE_RECORD_BYTES + at.FIRE_THRESHOLD_AT) >>> 2;
