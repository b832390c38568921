/**
 * Pictures of species. The world tells them as data URLs; clients are told addresses instead, so that each picture is
 * loaded once, and not told with every hello.
 */
import { createHash } from 'node:crypto';
import type { Species } from '../../shared/protocol.ts';

const PNG = 'data:image/png;base64,';
const HASH_CHARACTERS = 16;

const hashes = new WeakMap<Species, string>();

/** Names the picture: another picture has another hash. */
export function pictureHash(species: Species): string {
  let hash = hashes.get(species);
  if (hash === undefined) {
    hash = createHash('sha256').update(species.thumbnail).digest('hex').slice(0, HASH_CHARACTERS);
    hashes.set(species, hash);
  }
  return hash;
}

/** For clients: with addresses, relative to the page, in the place of data URLs. */
export const linkedSpecies = (all: readonly Species[]): Species[] =>
  all.map((one) =>
    one.thumbnail.startsWith(PNG)
      ? { ...one, thumbnail: `api/species/${one.name}.png?v=${pictureHash(one)}` }
      : one,
  );

/** @returns null: its picture is not a PNG */
export const pictureOf = ({ thumbnail }: Species): Buffer | null =>
  thumbnail.startsWith(PNG) ? Buffer.from(thumbnail.slice(PNG.length), 'base64') : null;
