/**
 * How a world looks in a lobby: a small picture of the bodies near where newcomers look first, and how well all are. The process of
 * the world makes it when a relay asks, at most every few seconds, however many relays and people look.
 */
import { createHash } from 'node:crypto';
import type { Rect } from '../../shared/geometry.ts';
import { encodePng } from '../http/png.ts';
import type { WorldLink } from '../world/messages.ts';
import { Aged } from './aged.ts';

/** Cells of the picture: a body has 40 to 80 across. At most 0.37 MB. */
const WIDTH = 384;
const HEIGHT = 240;
/** So many bodies around the place where newcomers look first are in the middle of it. */
const NEAR = 8;
const PICTURE_MS = 12_000;
const HEALTH_MS = 4_000;
const HASH_CHARACTERS = 16;

interface Place {
  readonly x: number;
  readonly y: number;
}

export interface Picture {
  readonly png: Uint8Array;
  /** Another picture has another hash. */
  readonly hash: string;
}

export interface Portrait {
  /** null: it is the one that is known. */
  readonly picture: Picture | null;
  /** The mean of all that have a body, 0 to 1; null: there are none. */
  readonly health: number | null;
}

export interface PainterOptions {
  readonly world: Pick<WorldLink, 'ready' | 'ask'>;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** In the process of the world. */
export class PortraitPainter {
  readonly #picture: Aged<Picture>;
  readonly #health: Aged<number | null>;

  constructor({ world, now }: PainterOptions) {
    this.#picture = new Aged(PICTURE_MS, now, async () => {
      const { start } = world.ready;
      const near = await world.ask({ kind: 'organisms', near: start, limit: NEAR });
      const rect = rectOf(world.ready, near.length === 0 ? start : middleOf(near));
      const png = await encodePng(await world.ask({ kind: 'pixels', rect }), rect.width, rect.height);
      return { png, hash: createHash('sha256').update(png).digest('hex').slice(0, HASH_CHARACTERS) };
    });
    this.#health = new Aged(HEALTH_MS, now, () => world.ask({ kind: 'meanHealth' }));
  }

  /** @param known - hash of the picture that the asker has @throws NoAnswerError when the world gives none */
  async paint(known: string | null): Promise<Portrait> {
    const [picture, health] = await Promise.all([this.#picture.get(), this.#health.get()]);
    return { picture: picture.hash === known ? null : picture, health };
  }
}

/** The middle of the box around all. */
function middleOf(places: readonly Place[]): Place {
  const middle = (values: readonly number[]): number => (Math.min(...values) + Math.max(...values)) / 2;
  return { x: middle(places.map(({ x }) => x)), y: middle(places.map(({ y }) => y)) };
}

/** Around a place, as far as the world goes. */
function rectOf({ width, height }: Pick<WorldLink['ready'], 'width' | 'height'>, at: Place): Rect {
  const size = { width: Math.min(WIDTH, width), height: Math.min(HEIGHT, height) };
  const from = (middle: number, length: number, all: number): number =>
    Math.max(0, Math.min(all - length, Math.round(middle - length / 2)));
  return { x: from(at.x, size.width, width), y: from(at.y, size.height, height), ...size };
}

/** A relay's copy. */
export class PortraitCopy {
  /** The newest; null: there is none yet. */
  picture: Picture | null = null;
  health: number | null = null;
  readonly #copy: Aged<null>;

  /** @param ask - the process of the world @param now - monotonic, ms */
  constructor(ask: (known: string | null) => Promise<Portrait>, now: () => number) {
    this.#copy = new Aged(HEALTH_MS, now, async () => {
      const { picture, health } = await ask(this.picture?.hash ?? null);
      this.health = health;
      if (picture !== null) this.picture = picture;
      return null;
    });
  }

  /** Resolves when it is no older than a few seconds. @throws NoAnswerError; then the last one stays */
  async refresh(): Promise<void> {
    await this.#copy.get();
  }
}
