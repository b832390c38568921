/**
 * Counts, in the server's process, of which frames each viewer was sent something, and why not of the others:
 * on the viewers themselves, for only the server knows what a client that was sent nothing has missed.
 */
import { Viewer } from '../../../server/stream/deliver/viewer.ts';

/** Sums over all viewers; a frame counts once for every viewer that looks. */
export interface FrameTally {
  /** Something changed in view, in this frame. */
  readonly changed: number;
  /** Of these: sent in this very frame. */
  readonly changedSent: number;
  /** Of these: not sent, for want of room (window, budget, late acknowledgements). */
  readonly changedNoRoom: number;
  /** Of these: not sent though there was room: catching up with a page whose keyframe is not at hand. */
  readonly changedOwed: number;
  /** Nothing that it watches changed. */
  readonly still: number;
  /** Of these: it was sent what it had been owed. */
  readonly stillSent: number;
  /** Of these, unsent: some page in view came in the coarse lane, which has only every fourth frame. */
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

/** Once a process. @returns what reads the counts so far */
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

/** What came between two readings. */
export function tallyBetween(before: FrameTally, after: FrameTally): FrameTally {
  const between: Counts = { ...NONE };
  for (const name of Object.keys(NONE) as (keyof FrameTally)[]) between[name] = after[name] - before[name];
  return between;
}
