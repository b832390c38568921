/** The engine's shared memory: typed views of the fixed part, delta records, page records that it grows to hold. */

import type { Rule } from '../../rules/rule.ts';
import type { Extent } from '../bounds.ts';
import { EngineError } from '../engine.ts';
import { fireThreshold } from '../fire.ts';
import * as at from './assembly/layout.ts';
import { deltaRecordsFor, leastDeltaRecords } from './waves.ts';
import { packLayer } from './weights.ts';

const WASM_PAGE_BYTES = 65_536;
/** Grown by this many records at a time: 10 MB of addresses, committed only where touched. */
const GROWTH = 32;

export class EngineMemory {
  readonly memory: WebAssembly.Memory;
  /** Page records that may ever exist, the zero page not counted. */
  readonly maxPages: number;
  readonly deltaRecords: number;
  /** Address of page record 0: it stays zeros and is the neighbour where no page exists. */
  readonly zeroPage: number;
  /** u8, i32 … over all of memory; replaced when it grows. */
  bytes!: Uint8Array;
  ints!: Int32Array;
  words!: Uint16Array;
  floats!: Float32Array;
  #records = 1;
  readonly #slots = new Set<number>();

  /**
   * @param maxPages - wanted; what fits into 4 GiB may be less
   * @param across - pages in a row of the world
   * @throws EngineError for fewer delta records than a step needs
   */
  constructor(maxPages: number, across: number, deltaRecords?: number) {
    const listed = Math.min(maxPages, at.MAX_LISTED);
    this.deltaRecords = deltaRecords ?? deltaRecordsFor(listed, across);
    const least = Math.min(listed, leastDeltaRecords(across));
    if (
      !Number.isInteger(this.deltaRecords) ||
      this.deltaRecords < least ||
      this.deltaRecords > at.MAX_LISTED
    )
      throw new EngineError(`${deltaRecords} delta records are not in ${least}..${at.MAX_LISTED}`);
    this.zeroPage = at.RECORDS_AT + this.deltaRecords * at.DELTA_RECORD_BYTES;
    const fitting = Math.floor((at.MEMORY_BYTES - this.zeroPage) / at.PAGE_RECORD_BYTES) - 1;
    this.maxPages = Math.min(maxPages, fitting, at.MAX_LISTED);
    const wasmPages = (records: number) => Math.ceil(this.#record(records) / WASM_PAGE_BYTES);
    const maximum = wasmPages(this.maxPages + 1);
    this.memory = new WebAssembly.Memory({ initial: wasmPages(1), maximum, shared: true });
    this.#lookAgain();
  }

  /** Number of a page's record. */
  recordOf(page: number): number {
    return (page - this.zeroPage) / at.PAGE_RECORD_BYTES;
  }

  /** A new page record, all zeros. @returns its address, or 0 when there is no memory left */
  addRecord(): number {
    if (this.#records > this.maxPages) return 0;
    const missing = this.#record(this.#records + 1) - this.bytes.length;
    if (missing > 0 && !this.#grow(missing)) return 0;
    return this.#record(this.#records++);
  }

  /** Makes room for this many records in all. @returns false, and nothing has changed, when there is none */
  reserve(records: number): boolean {
    const missing = this.#record(records + 1) - this.bytes.length;
    return missing <= 0 || this.#grow(missing);
  }

  setRule(slot: number, rule: Rule): void {
    const address = at.RULES_AT + slot * at.RULE_RECORD_BYTES;
    this.ints[(address + at.HIDDEN_AT) >>> 2] = rule.hidden;
    this.ints[thresholdIndex(slot)] = fireThreshold(rule.fireRate);
    this.#slots.add(slot);
    const thresholds = new Set(Array.from(this.#slots, (used) => this.ints[thresholdIndex(used)]));
    this.ints[at.COMMON_THRESHOLD_AT >>> 2] = thresholds.size === 1 ? [...thresholds][0] : -1;
    this.floats.set(rule.b1, (address + at.B1_AT) >>> 2);
    this.floats.set(rule.b2, (address + at.B2_AT) >>> 2);
    this.floats.set(packLayer(rule.w1, rule.hidden, 48), (address + at.W1_AT) >>> 2);
    this.floats.set(packLayer(rule.w2, 16, rule.hidden), (address + at.W2_AT) >>> 2);
  }

  /** Cells that an organism may own. */
  setTerritory(organism: number, { left, right, top, bottom }: Extent): void {
    this.words.set([left, right, top, bottom], (at.TERRITORIES_AT >>> 1) + organism * 4);
  }

  hasRule(slot: number): boolean {
    return this.#slots.has(slot);
  }

  /** Address of a page record. */
  #record(number: number): number {
    return this.zeroPage + number * at.PAGE_RECORD_BYTES;
  }

  #grow(missingBytes: number): boolean {
    const delta = Math.max(missingBytes, GROWTH * at.PAGE_RECORD_BYTES);
    for (const bytes of [delta, missingBytes]) {
      try {
        this.memory.grow(Math.ceil(bytes / WASM_PAGE_BYTES));
        this.#lookAgain();
        return true;
      } catch {
        // Past the maximum, or the system has no more: the smaller step may still fit.
      }
    }
    return false;
  }

  #lookAgain(): void {
    const { buffer } = this.memory;
    this.bytes = new Uint8Array(buffer);
    this.ints = new Int32Array(buffer);
    this.words = new Uint16Array(buffer);
    this.floats = new Float32Array(buffer);
  }
}

const thresholdIndex = (slot: number): number =>
  (at.RULES_AT + slot * at.RULE_RECORD_BYTES + at.FIRE_THRESHOLD_AT) >>> 2;
