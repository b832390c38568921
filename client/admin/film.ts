/** Plays films. A film comes as a strip: an image in which the frames are stacked. */

import type { ProbeAnswer } from '../../shared/adminApi.ts';
import { prefersReducedMotion } from '../style/theme.ts';
import { filmUrl } from './api.ts';

const FRAME_MS = 80;
/** A held frame is shown as long as this many others. */
const HOLD_FRAMES = 8;

export interface StripOptions {
  readonly frames: number;
  /** Frames that are held. */
  readonly held: readonly number[];
  readonly frameMs: number;
}

/** Plays a rule's film: it grows from a seed, is cut in half, and heals. The grown, cut and healed frames are held. */
export function playFilm(canvas: HTMLCanvasElement, rule: number, film: ProbeAnswer['film']): void {
  const { width, height, frames, cutFrame } = film;
  canvas.width = width;
  canvas.height = height;
  const strip = new Image();
  const held = [cutFrame - 1, cutFrame, frames - 1];
  strip.addEventListener('load', () => playStrip(canvas, strip, { frames, held, frameMs: FRAME_MS }));
  strip.src = filmUrl(rule);
}

/**
 * Plays a loaded strip again and again, while the canvas is in the page. For users who want no motion it shows the last
 * frame. The canvas gets the size of a frame.
 */
export function playStrip(
  canvas: HTMLCanvasElement,
  strip: HTMLImageElement,
  { frames, held, frameMs }: StripOptions,
): void {
  const width = strip.naturalWidth;
  const height = strip.naturalHeight / frames;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d')!;
  const draw = (frame: number): void => {
    context.clearRect(0, 0, width, height);
    context.drawImage(strip, 0, frame * height, width, height, 0, 0, width, height);
  };
  if (prefersReducedMotion()) {
    draw(frames - 1);
    return;
  }
  const order = Array.from({ length: frames }, (_, frame) =>
    Array<number>(held.includes(frame) ? HOLD_FRAMES : 1).fill(frame),
  ).flat();
  let at = 0;
  draw(0);
  const timer = setInterval(() => {
    if (!canvas.isConnected) clearInterval(timer);
    else draw(order[at++ % order.length]);
  }, frameMs);
}
