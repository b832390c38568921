/** A drawing as a small picture: one pixel per cell, enlarged by the style sheet. */
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { h } from '../dom.ts';

/** @param className - its class; the picture says nothing to a screen reader */
export function thumbnail({ width, height, rgba }: Drawing, className: string): HTMLCanvasElement {
  const canvas = h('canvas', {
    class: className,
    width: String(width),
    height: String(height),
    'aria-hidden': 'true',
  });
  canvas.getContext('2d')?.putImageData(new ImageData(Uint8ClampedArray.from(rgba), width, height), 0, 0);
  return canvas;
}
