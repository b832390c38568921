/** The engine's shared memory: a fixed part, delta records, and page records for which the memory grows. */

import type { Rule } from '../../rules/rule.ts';
import type { Extent } from '../bounds.ts';
import { EngineError } from '../engine.ts';
import { fireThreshold } from '../fire.ts';
import * as at from './assembly/layout.ts';
import { deltaRecordsFor, leastDeltaRecords } from './waves.ts';
import { packLayer } from './weights.ts';

const WASM_PAGE_BYTES = 65_536;
/** Records by which the memory grows: 10 MB of addresses, which the system commits only where they are touched. */
const GROWTH = 32;

export class EngineMemory {
  readonly memory: WebAssembly.Memory;
  /** How many page records may exist, not counting the zero page. */
  readonly maxPages: number;
  readonly deltaRecords: number;
  /** The address of page record 0, the zero page: always zeros, and the neighbour where no page exists. */
  readonly zeroPage: number;
  /** Views over all of the memory; replaced when it grows. */
  bytes!: Uint8Array;
  ints!: Int32Array;
  words!: Uint16Array;
  floats!: Float32Array;
  #records = 1;
  readonly #slots = new Set<number>();

  /**
   * @param maxPages - how many are wanted; fewer may fit into 4 GiB
   * @param across - pages in a row of the world
   * @param deltaRecords - default: `deltaRecordsFor`
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
    this.#makeViews();
  }

  /** The number of the page record at this address. */
  recordOf(page: number): number {
    return (page - this.zeroPage) / at.PAGE_RECORD_BYTES;
  }

  /** Makes a page record of zeros. @returns its address, or 0 when there is no memory left */
  addRecord(): number {
    if (this.#records > this.maxPages) return 0;
    const missing = this.#record(this.#records + 1) - this.bytes.length;
    if (missing > 0 && !this.#grow(missing)) return 0;
    return this.#record(this.#records++);
  }

  /** Makes room for `records` records in total. @returns false, with nothing changed, when there is no memory left */
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

  /** Sets which cells an organism may own. */
  setTerritory(organism: number, { left, right, top, bottom }: Extent): void {
    this.words.set([left, right, top, bottom], (at.TERRITORIES_AT >>> 1) + organism * 4);
  }

  hasRule(slot: number): boolean {
    return this.#slots.has(slot);
  }

  /** The address of the page record with this number. */
  #record(number: number): number {
    return this.zeroPage + number * at.PAGE_RECORD_BYTES;
  }

  #grow(missingBytes: number): boolean {
    const delta = Math.max(missingBytes, GROWTH * at.PAGE_RECORD_BYTES);
    for (const bytes of [delta, missingBytes]) {
      try {
        this.memory.grow(Math.ceil(bytes / WASM_PAGE_BYTES));
      } catch (error) {
        // Growth past the maximum, or the system has no memory left; a smaller growth may still fit.
        if (!(error instanceof RangeError)) throw error;
        continue;
      }
      this.#makeViews();
      return true;
    }
    return false;
  }

  #makeViews(): void {
    const { buffer } = this.memory;
    this.bytes = new Uint8Array(buffer);
    this.ints = new Int32Array(buffer);
    this.words = new Uint16Array(buffer);
    this.floats = new Float32Array(buffer);
  }
}

const thresholdIndex = (slot: number): number =>
  (at.RULES_AT + slot * at.RULE_RECORD_BYTES + at.FIRE_THRESHOLD_AT) >>> 2;
