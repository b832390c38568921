// The pages in which something can move: only they are stepped.
import { AWAKE_AT, CALM_AT, DELTA_RECORD_AT, DELTA_RECORD_BYTES, LIST_AT, RECORDS_AT } from './layout';
import { isDisturbed } from './neighbours';

/**
 * Called by the leading thread before the phases: lists the awake pages, those in which something can move.
 *
 * @param length - how many pages exist
 * @param deltaRecords - how many there are; awake page i gets record i modulo this
 * @returns how many pages are awake
 */
export function muster(length: i32, deltaRecords: i32): i32 {
  let awake = 0;
  let record: usize = 0;
  for (let i = 0; i < length; i++) {
    const page = <usize>load<u32>(<usize>LIST_AT + ((<usize>i) << 2));
    if (load<i32>(page, CALM_AT) != 0 && !isDisturbed(page)) continue;
    store<u32>(page, <u32>(<usize>RECORDS_AT + record * DELTA_RECORD_BYTES), DELTA_RECORD_AT);
    store<u32>(<usize>AWAKE_AT + ((<usize>awake) << 2), <u32>page);
    awake++;
    if (++record == <usize>deltaRecords) record = 0;
  }
  return awake;
}

/** Awake page `index` of this step. */
// @inline
export function awakePage(index: i32): usize {
  return <usize>load<u32>(<usize>AWAKE_AT + ((<usize>index) << 2));
}
