/**
 * Counts which frames each viewer was sent, and why not the others. It runs in the server's process, on the stream,
 * because only the server knows what a client that was sent nothing has missed.
 */
import type { SharedView } from '../../../server/stream/deliver/sharedView.ts';
import { Stream } from '../../../server/stream/deliver/stream.ts';
import type { Viewer } from '../../../server/stream/deliver/viewer.ts';
import { Lane, laneOf } from '../../../server/stream/pageKey.ts';
import { KEYFRAME } from '../../../shared/frame.ts';

/** Sums over all viewers; a frame counts once for every viewer that looks. */
export interface FrameTally {
  /** Frames with a change in view. */
  readonly changed: number;
  /** Those that were sent at once. */
  readonly changedSent: number;
  /** Those that were not sent for lack of room (window, bytes per second, late acknowledgements). */
  readonly changedNoRoom: number;
  /** Those that were not sent although there was room, because a page's keyframe was missing or it is coarse. */
  readonly changedOwed: number;
  /** Frames without a change in view. */
  readonly still: number;
  /** Those in which the viewer was sent owed pages. */
  readonly stillSent: number;
}

type Counts = { -readonly [K in keyof FrameTally]: number };
const NONE: FrameTally = {
  changed: 0,
  changedSent: 0,
  changedNoRoom: 0,
  changedOwed: 0,
  still: 0,
  stillSent: 0,
};

/** Starts to count; once per process. @returns a function that reads the counts */
export function tallyFrames(): () => FrameTally {
  const counts: Counts = { ...NONE };
  const viewers = new Set<Viewer>();
  const { join, leave, publish } = Stream.prototype;
  Stream.prototype.join = function (socket) {
    const viewer = join.call(this, socket);
    viewers.add(viewer);
    return viewer;
  };
  Stream.prototype.leave = function (viewer) {
    viewers.delete(viewer);
    leave.call(this, viewer);
  };
  Stream.prototype.publish = function (frame) {
    publish.call(this, frame);
    const deltas = frame.updates.filter(({ key, base }) => base !== KEYFRAME && laneOf(key) === Lane.fine);
    const changed = new Map<SharedView<Viewer>, boolean>();
    const nowMs = performance.now();
    for (const { seen, flow } of viewers) {
      if (seen === null) continue;
      let isChanged = changed.get(seen);
      if (isChanged === undefined) {
        isChanged = deltas.some(({ key }) => seen.has(key));
        changed.set(seen, isChanged);
      }
      const isSent = flow.lastFrame === frame.frame;
      if (!isChanged) {
        counts.still++;
        if (isSent) counts.stillSent++;
        continue;
      }
      counts.changed++;
      if (isSent) counts.changedSent++;
      else if (flow.room(nowMs) <= 0) counts.changedNoRoom++;
      else counts.changedOwed++;
    }
  };
  return () => ({ ...counts });
}

/** The difference of two readings. */
export function tallyBetween(before: FrameTally, after: FrameTally): FrameTally {
  const between: Counts = { ...NONE };
  for (const name of Object.keys(NONE) as (keyof FrameTally)[]) between[name] = after[name] - before[name];
  return between;
}
