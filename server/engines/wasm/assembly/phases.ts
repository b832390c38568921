// One step of the paged world: three phases over the awake pages (`sense.ts`, `apply.ts`, `settle.ts`). In each phase a
// page writes only itself and counters, and reads of its neighbours only what no page writes in that phase. So threads
// may take pages in any order with the same result.
//
// The engine's own thread leads; helpers wait for its call. Within a phase each thread takes the next unit of work by an
// atomic counter; there are no locks.
import { apply } from './apply';
import {
  FAILED_AT,
  NEXT_AT,
  PHASE_APPLY,
  PHASE_AT,
  PHASE_KIND_AT,
  PHASE_QUIT,
  PHASE_SENSE,
  PHASE_SETTLE,
  WORKING_AT,
} from './layout';
import { sense } from './sense';
import { settle } from './settle';

/** Loads before a thread sleeps: about as long as waking takes, so that it is awake if a phase follows at once. */
const LOOKS = 20_000;
const SECOND: i64 = 1_000_000_000;
/** How long helpers may take after the leader is done; a phase takes milliseconds. */
const PATIENCE_SECONDS = 20;

function run(kind: i32, thread: i32): void {
  if (kind == PHASE_SENSE) sense(thread);
  else if (kind == PHASE_APPLY) apply();
  else if (kind == PHASE_SETTLE) settle();
}

/**
 * Runs one phase on all threads and returns when all are done.
 *
 * @returns false when a helper failed or did not finish in time: the world is then not whole
 */
export function lead(kind: i32, helpers: i32): bool {
  store<i32>(PHASE_KIND_AT, kind);
  atomic.store<i32>(NEXT_AT, 0);
  if (helpers == 0) {
    run(kind, 0);
    return true;
  }
  atomic.store<i32>(WORKING_AT, helpers);
  atomic.add<i32>(PHASE_AT, 1);
  atomic.notify(PHASE_AT, helpers);
  run(kind, 0);
  let looks = 0;
  let seconds = 0;
  for (;;) {
    const working = atomic.load<i32>(WORKING_AT);
    if (working == 0) break;
    if (atomic.load<i32>(FAILED_AT) != 0) return false;
    if (++looks < LOOKS) continue;
    const woke = atomic.wait<i32>(WORKING_AT, working, SECOND);
    if (woke == AtomicWaitResult.TIMED_OUT && ++seconds == PATIENCE_SECONDS) return false;
  }
  return atomic.load<i32>(FAILED_AT) == 0;
}

/** Runs phases in a helper until the engine is disposed of. @param seen - `PHASE_AT` before its first phase */
export function work(thread: i32, seen: i32): void {
  for (;;) {
    let looks = 0;
    while (atomic.load<i32>(PHASE_AT) == seen) {
      if (++looks >= LOOKS) atomic.wait<i32>(PHASE_AT, seen, -1);
    }
    seen++;
    const kind = load<i32>(PHASE_KIND_AT);
    if (kind == PHASE_QUIT) return;
    run(kind, thread);
    if (atomic.sub<i32>(WORKING_AT, 1) == 1) atomic.notify(WORKING_AT, 1);
  }
}
