/** What worlds are called: in addresses (`/w/meadow/`), in subjects of the broker, and in names of folders and blobs. */

export const MAX_WORLD_NAME = 32;
/** The longest title, which people read. */
export const MAX_WORLD_TITLE = 60;
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** Control characters, and those that turn the direction of what follows. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** As errors name it. */
export const WORLD_NAME_RULE = `1..${MAX_WORLD_NAME} letters a-z, digits and -, no - at an end`;

export const isWorldName = (name: string): boolean => name.length <= MAX_WORLD_NAME && NAME.test(name);

/** An empty one is not a title. */
export const isWorldTitle = (title: string): boolean =>
  title.trim() !== '' && title.trim() === title && title.length <= MAX_WORLD_TITLE && !UNSEEN.test(title);

/** What a world is called for people when nobody has said: "coral-reef" is "Coral reef". */
export function titleOf(name: string): string {
  const words = name.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
