/** The frames that the simulation thread publishes and the main thread delivers to viewers. */

/** One page's update inside `PublishedFrame.bytes`: header and payload, as `encodeUpdate` made them. */
export interface PublishedUpdate {
  /** As in `pageKey.ts`. */
  readonly key: number;
  /** Larger than every earlier version of the page in this lane. */
  readonly version: number;
  /** The version that a delta starts from; 0: a keyframe. */
  readonly base: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * The updates of one frame for the pages that are watched. A page may come twice: as a delta for viewers that hold
 * `base`, and as a keyframe of the same version for viewers that asked.
 */
export interface PublishedFrame {
  readonly type: 'frame';
  /** Counts from 1 since the process started. */
  readonly frame: number;
  readonly step: number;
  readonly updates: readonly PublishedUpdate[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}
