/**
 * Room up to the world's edge: the part of "is there room for a grown body" that needs to know nobody who lives
 * there, so the page knows the answer before it asks. Pure.
 */
import type { Rect, Size } from './geometry.ts';

/**
 * Why a body that grows from a seed at a cell would not lie within the world, for a player to read; null when it
 * would.
 *
 * @param box - of the mature form, seen from the seed; cells
 */
export function edgeFault(species: string, box: Rect, x: number, y: number, world: Size): string | null {
  const sides: readonly (readonly [name: string, needed: number, there: number])[] = [
    ['on its left', -box.x, x],
    ['above', -box.y, y],
    ['on its right', box.x + box.width - 1, world.width - 1 - x],
    ['below', box.y + box.height - 1, world.height - 1 - y],
  ];
  for (const [name, needed, there] of sides)
    if (there < needed)
      return `${capitalised(withArticle(species))} needs ${cellsOf(needed)} ${name}: the world ends here.`;
  return null;
}

/** "a Gengar", "an Eevee" */
export const withArticle = (species: string): string =>
  `${/^[aeiou]/i.test(species) ? 'an' : 'a'} ${titled(species)}`;

const cellsOf = (count: number): string => (count === 1 ? '1 free cell' : `${count} free cells`);

/** As the page writes it: "mr-mime" is Mr Mime. */
const titled = (species: string): string => species.split(/[-_]+/).map(capitalised).join(' ');

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
