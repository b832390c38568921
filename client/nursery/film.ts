/**
 * A film that the learning process has made, shown again and again: frames one below another in a
 * picture. For users who want no motion it is the healed body alone.
 */
import { FILM } from '../../shared/nursery.ts';
import { h, setText } from '../dom.ts';
import { prefersReducedMotion } from '../style/theme.ts';

const FRAME_MS = 130;
/** How long the last frame of growth, and of healing, stays. */
const REST_FRAMES = 5;

export class FilmScreen {
  readonly root: HTMLElement;
  readonly #canvas = h('canvas', {
    class: 'film__canvas',
    width: '1',
    height: '1',
    role: 'img',
    'aria-label': 'What it grows at the moment',
  });
  readonly #caption = h('figcaption', { class: 'film__caption' }, 'The first film is being made…');
  #picture: HTMLImageElement | null = null;
  #source = '';
  #tick = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    this.root = h('figure', { class: 'film' }, this.#canvas, this.#caption);
  }

  /** @param source - address of the newest film; null: there is none */
  show(source: string | null): void {
    if (source === null) {
      this.#source = '';
      this.#picture = null;
      this.#canvas.width = this.#canvas.height = 1;
      setText(this.#caption, 'The first film is being made…');
      return;
    }
    if (source === this.#source) return;
    this.#source = source;
    const image = new Image();
    image.addEventListener('load', () => {
      // A newer one may have been asked for meanwhile.
      if (this.#source !== source) return;
      const isFirst = this.#picture === null;
      this.#picture = image;
      if (isFirst) this.#tick = 0;
    });
    image.src = source;
  }

  play(): void {
    this.#timer ??= setInterval(() => this.#draw(), FRAME_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #draw(): void {
    const image = this.#picture;
    if (image === null) return;
    const [width, height] = [image.naturalWidth, image.naturalHeight / FILM.frames];
    const frame = prefersReducedMotion() ? FILM.frames - 1 : frameAt(this.#tick++);
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    context.clearRect(0, 0, width, height);
    context.drawImage(image, 0, frame * height, width, height, 0, 0, width, height);
    setText(this.#caption, captionOf(frame));
  }
}

/** @param tick - counts up; the film begins again when it has ended */
export function frameAt(tick: number): number {
  const { growthFrames, frames } = FILM;
  const at = tick % (frames + 2 * REST_FRAMES);
  if (at < growthFrames) return at;
  if (at < growthFrames + REST_FRAMES) return growthFrames - 1;
  return Math.min(frames - 1, at - REST_FRAMES);
}

export function captionOf(frame: number): string {
  const { growthFrames, stepsPerGrowthFrame, stepsPerHealingFrame } = FILM;
  if (frame === 0) return 'A seed: one cell';
  if (frame < growthFrames) return `It grows: step ${frame * stepsPerGrowthFrame}`;
  if (frame === growthFrames) return 'It is torn';
  return `It heals: step ${(frame - growthFrames) * stepsPerHealingFrame}`;
}
