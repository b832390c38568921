/** Builds elements without a framework. */

import type { Picture } from './stream/messages.ts';

type Child = Node | string;

/** @throws Error when index.html has no such element */
export function byId<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no #${id}`);
  return element as T;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param kind - its class */
export function button(text: string, press: () => void, kind = 'plain'): HTMLButtonElement {
  const element = h('button', { class: kind, type: 'button' }, text);
  element.addEventListener('click', press);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A drawing of lines in a square of 24, for text beside it to say what it means. */
export const lineIcon = (
  path: string,
  isSmall: boolean,
  more: Readonly<Record<string, string>> = {},
): SVGElement =>
  svg(
    'svg',
    { class: isSmall ? 'icon icon--small' : 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', ...more },
    svg('path', { d: path }),
  );

/** Writes a text only when it differs, so that screen readers and the layout are not disturbed. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Draws a picture on a canvas, which gets its size. */
export function develop(canvas: HTMLCanvasElement, { width, height, pixels }: Picture): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
}
