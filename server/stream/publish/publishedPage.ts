/** What clients hold of one page in one lane, and how it came there. */
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
  /** How far a published channel may be from the truth. */
  readonly #epsilon: number;
  /** [64, 64, 4], what clients hold; null while that is nothing but zeros (most of a large world). */
  #published: Uint8Array | null = null;
  /** 0 until the first truth was published. */
  #version = 0;
  #exact = false;
  /** How often it moved since the last frame closed, and the first time by what. */
  #moves = 0;
  #delta: Uint8Array | null = null;
  /** Somebody needs the whole page. */
  wantsKeyframe = true;
  /** When the truth last changed. */
  movedMs: number;
  /** The truth changed in a frame that was not its turn. */
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

  get seen(): boolean {
    return this.#version !== 0 || this.#moves > 0;
  }

  /** Clients hold the very truth. */
  get exact(): boolean {
    return this.#exact;
  }

  /**
   * Moves what clients hold to within ε of the truth: exactly to it the first time, and to refine it.
   *
   * @param truth - [64, 64, 4], read only, not kept; null: zeros
   * @returns whether that has to be said in this frame
   */
  publish(truth: Uint8Array | null, refine: boolean): boolean {
    const first = !this.seen;
    const epsilon = first || refine ? 0 : this.#epsilon;
    this.late = false;
    // A page of zeros is known without a buffer of its own.
    if (this.#published === null && truth !== null && !pagesEqual(ZEROS, truth))
      this.#published = new Uint8Array(PAGE_BYTES);
    const delta = this.#published === null ? null : encodePage(this.#published, truth ?? ZEROS, epsilon);
    this.#exact = epsilon === 0 || pagesEqual(this.#published ?? ZEROS, truth ?? ZEROS);
    if (delta === null && !first) return false;
    // Two deltas in one frame have no common base: say where it stands instead.
    if (this.#moves++ === 0) this.#delta = delta;
    else this.wantsKeyframe = true;
    return true;
  }

  /**
   * What there is to say of it when the frame closes: the delta first, for who can use it does not take the
   * longer keyframe.
   *
   * @param add - gets each update encoded, and the version it starts from
   */
  close(frame: number, add: (version: number, base: number, bytes: Uint8Array) => void): void {
    const base = this.#version;
    // No two lanes of a page ever share a version: a delta of one finds no base in the other.
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
