/**
 * Whether a grown body fits between a seed and the world's edge. Neighbours do not matter for this part of the answer,
 * so the client knows it without asking. Pure.
 */
import type { Rect, Size } from './geometry.ts';

/**
 * @param box - box of the mature form, relative to the seed; cells
 * @returns why a body grown from a seed at (x, y) would cross the world's edge, for a player to read; null when it
 * would not
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

/** "mr-mime" → "Mr Mime" */
export const titled = (species: string): string =>
  species
    .split(/[-_\s]+/)
    .filter(Boolean)
    .map(capitalised)
    .join(' ');

export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
