/** A rule's film: from a seed to a body, half of it cut off, and what heals. */

import type { ProbeAnswer } from '../../shared/adminApi.ts';
import { prefersReducedMotion } from '../style/theme.ts';
import { filmUrl } from './api.ts';

const FRAME_MS = 80;
/** Grown, cut and healed are looked at for longer. */
const HOLD_FRAMES = 8;

/** Plays for as long as the canvas is in the page; without motion it shows the end. */
export function playFilm(canvas: HTMLCanvasElement, rule: number, film: ProbeAnswer['film']): void {
  canvas.width = film.width;
  canvas.height = film.height;
  const strip = new Image();
  const context = canvas.getContext('2d')!;
  const draw = (frame: number): void => {
    context.clearRect(0, 0, film.width, film.height);
    const { width, height } = film;
    context.drawImage(strip, 0, frame * height, width, height, 0, 0, width, height);
  };
  const order = playOrder(film);
  let at = 0;
  let timer: ReturnType<typeof setInterval>;
  strip.addEventListener('load', () => {
    if (prefersReducedMotion()) return draw(film.frames - 1);
    timer = setInterval(() => {
      if (!canvas.isConnected) return clearInterval(timer);
      draw(order[at++ % order.length]);
    }, FRAME_MS);
  });
  strip.src = filmUrl(rule);
}

function playOrder({ frames, cutFrame }: ProbeAnswer['film']): number[] {
  const order: number[] = [];
  for (let frame = 0; frame < frames; frame++) {
    const isHeld = frame === cutFrame - 1 || frame === cutFrame || frame === frames - 1;
    for (let n = 0; n < (isHeld ? HOLD_FRAMES : 1); n++) order.push(frame);
  }
  return order;
}
