/** One page in one lane: what clients hold of it, and the updates that bring them there. */
import { encodeUpdate, KEYFRAME } from '../../../shared/frame.ts';
import { PAGE_BYTES, pagesAcross, type Size } from '../../../shared/geometry.ts';
import { encodeKeyframe, encodePage, pagesEqual } from '../../../shared/pageCodec.ts';
import { indexOf, laneOf, levelOf } from '../pageKey.ts';

const ZEROS = new Uint8Array(PAGE_BYTES);
const NO_BYTES = new Uint8Array(0);

export class PublishedPage {
  readonly key: number;
  readonly #level: number;
  readonly #px: number;
  readonly #py: number;
  /** The largest difference between a published and a true channel. */
  readonly #epsilon: number;
  /** [64, 64, 4]: the pixels that clients hold; null: all zeros, as in most of a large world. */
  #published: Uint8Array | null = null;
  /** 0 until the first truth is published. */
  #version = 0;
  #exact = false;
  /** Moves of the published pixels since the last frame closed; `#delta` is that of the first. */
  #moves = 0;
  #delta: Uint8Array | null = null;
  /** Whether a viewer needs the whole page. */
  wantsKeyframe = true;
  /** When the truth last changed. */
  movedMs: number;
  /** The truth changed in a frame that was not this page's turn. */
  late = false;

  constructor(key: number, world: Size, epsilon: number, nowMs: number) {
    const across = pagesAcross(world.width, levelOf(key));
    this.key = key;
    this.#level = levelOf(key);
    this.#px = indexOf(key) % across;
    this.#py = Math.floor(indexOf(key) / across);
    this.#epsilon = epsilon;
    this.movedMs = nowMs;
  }

  /** Whether a truth has been published. */
  get seen(): boolean {
    return this.#version !== 0 || this.#moves > 0;
  }

  /** Whether clients hold exactly the truth. */
  get exact(): boolean {
    return this.#exact;
  }

  /**
   * Moves the published pixels to within ε of the truth; exactly to it the first time, and with `refine`.
   *
   * @param truth - [64, 64, 4], read only, not kept; null: all zeros
   * @returns whether this frame needs an update for it
   */
  publish(truth: Uint8Array | null, refine: boolean): boolean {
    const first = !this.seen;
    const epsilon = first || refine ? 0 : this.#epsilon;
    this.late = false;
    // A page of zeros needs no buffer.
    if (this.#published === null && truth !== null && !pagesEqual(ZEROS, truth))
      this.#published = new Uint8Array(PAGE_BYTES);
    const delta = this.#published === null ? null : encodePage(this.#published, truth ?? ZEROS, epsilon);
    this.#exact = epsilon === 0 || pagesEqual(this.#published ?? ZEROS, truth ?? ZEROS);
    if (delta === null && !first) return false;
    // Two deltas in one frame have no common base, so the second move makes a keyframe.
    if (this.#moves++ === 0) this.#delta = delta;
    else this.wantsKeyframe = true;
    return true;
  }

  /**
   * Encodes the page's updates when the frame closes: the delta first, so that viewers that can use it do not take the
   * longer keyframe.
   *
   * @param add - gets each encoded update, and the version that it starts from
   */
  close(frame: number, add: (version: number, base: number, bytes: Uint8Array) => void): void {
    const base = this.#version;
    // The lanes of a page never share a version, so a delta of one finds no base in the other.
    if (this.#moves > 0) this.#version = 2 * frame + laneOf(this.key);
    const delta = this.#moves === 1 && base !== KEYFRAME ? this.#delta : null;
    const wantsKeyframe = this.wantsKeyframe || base === KEYFRAME;
    this.#moves = 0;
    this.#delta = null;
    this.wantsKeyframe = false;
    if (delta !== null) add(this.#version, base, this.#encode(base, delta));
    if (!wantsKeyframe) return;
    const whole = this.#published === null ? NO_BYTES : encodeKeyframe(this.#published);
    add(this.#version, KEYFRAME, this.#encode(KEYFRAME, whole));
  }

  #encode(base: number, payload: Uint8Array): Uint8Array {
    return encodeUpdate({
      level: this.#level,
      px: this.#px,
      py: this.#py,
      version: this.#version,
      base,
      epsilon: this.#exact ? 0 : this.#epsilon,
      payload,
    });
  }
}
