/** Places of the world on the admin's page: links that move the world's view there, and pictures of them. */

import { h } from '../dom.ts';

/** All links use one tab of the world, whose view they move. */
const WORLD_TAB = 'regrow-world';
const ZOOM = 8;
/** Side of a picture, cells. */
const PICTURE_CELLS = 72;

/** @param x - cells @param y - cells */
export function placeLink(x: number, y: number, ...content: (Node | string)[]): HTMLAnchorElement {
  return h(
    'a',
    {
      class: 'place',
      href: `../#${Math.round(x)},${Math.round(y)},${ZOOM}`,
      target: WORLD_TAB,
      title: 'Show this place in the world',
    },
    ...content,
  );
}

/** What grows around a place now. */
export function placePicture(x: number, y: number): HTMLAnchorElement {
  const from = (middle: number): number => Math.round(middle - PICTURE_CELLS / 2);
  const src = `../api/world.png?x=${from(x)}&y=${from(y)}&w=${PICTURE_CELLS}&h=${PICTURE_CELLS}`;
  const image = h('img', {
    class: 'place__picture',
    src,
    alt: `The world around ${x}, ${y}`,
    loading: 'lazy',
  });
  return placeLink(x, y, image);
}
