/** What the simulation thread publishes per frame, and the main thread passes on to viewers. */

/** One page's update inside `PublishedFrame.bytes`: header and payload, as `encodeUpdate` made them. */
export interface PublishedUpdate {
  /** `pageKey.ts` */
  readonly key: number;
  /** Larger than all versions that the page had before. */
  readonly version: number;
  /** The version it starts from; 0: a keyframe. */
  readonly base: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * What moved in one frame on the pages that somebody watches. A page may come twice: as a delta for those
 * who hold `base`, and as a keyframe of the same version for those who asked.
 */
export interface PublishedFrame {
  readonly type: 'frame';
  /** 1, 2, 3 … while the process lives. */
  readonly frame: number;
  readonly step: number;
  readonly updates: readonly PublishedUpdate[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}
