/**
 * Counts which frames each viewer was sent, and why not the others. It runs in the server's process, on the viewers,
 * because only the server knows what a client that was sent nothing has missed.
 */
import { Viewer } from '../../../server/stream/deliver/viewer.ts';

/** Sums over all viewers; a frame counts once for every viewer that looks. */
export interface FrameTally {
  /** Frames with a change in view. */
  readonly changed: number;
  /** Those that were sent at once. */
  readonly changedSent: number;
  /** Those that were not sent for lack of room (window, bytes per second, late acknowledgements). */
  readonly changedNoRoom: number;
  /** Those that were not sent although there was room, because a page's keyframe was missing. */
  readonly changedOwed: number;
  /** Frames without a change in view. */
  readonly still: number;
  /** Those in which the viewer was sent owed pages. */
  readonly stillSent: number;
  /** Unsent frames while a page in view came in the coarse lane, which has only every fourth frame. */
  readonly stillCoarse: number;
}

type Counts = { -readonly [K in keyof FrameTally]: number };
const NONE: FrameTally = {
  changed: 0,
  changedSent: 0,
  changedNoRoom: 0,
  changedOwed: 0,
  still: 0,
  stillSent: 0,
  stillCoarse: 0,
};

/** Starts to count; once per process. @returns a function that reads the counts */
export function tallyFrames(): () => FrameTally {
  const counts: Counts = { ...NONE };
  const changed = new WeakSet<Viewer>();
  const roomless = new WeakSet<Viewer>();
  const { begin, offer, miss, finish } = Viewer.prototype;
  Viewer.prototype.begin = function (bytes, nowMs) {
    changed.delete(this);
    if (this.flow.room(nowMs) > 0) roomless.delete(this);
    else roomless.add(this);
    begin.call(this, bytes, nowMs);
  };
  Viewer.prototype.offer = function (held, update) {
    if (held.version !== update.version) changed.add(this);
    offer.call(this, held, update);
  };
  Viewer.prototype.miss = function (held, version) {
    if (held.version !== version) changed.add(this);
    miss.call(this, held, version);
  };
  Viewer.prototype.finish = function (frame, nowMs, source) {
    const coarse = this.coarse;
    finish.call(this, frame, nowMs, source);
    if (this.pages.size === 0) return;
    const isSent = this.flow.lastFrame === frame.frame;
    if (changed.has(this)) {
      counts.changed++;
      if (isSent) counts.changedSent++;
      else if (roomless.has(this)) counts.changedNoRoom++;
      else counts.changedOwed++;
    } else {
      counts.still++;
      if (isSent) counts.stillSent++;
      else if (coarse > 0) counts.stillCoarse++;
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
