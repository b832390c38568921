/** Addresses of a server with several worlds: what is under `/w/NAME/` is that world's, as if it were the only one. */
import { isWorldName } from '../../shared/worldNames.ts';

export interface WorldPath {
  /** As it stands in the address; perhaps not the name of any world. */
  readonly name: string;
  /** Path and query within the world, with a slash in front; null: the address lacks the slash behind the name. */
  readonly rest: string | null;
  /** What follows "?", with it; only where `rest` is null. */
  readonly query: string;
}

const WORLD_PATH = /^\/w\/([^/?#]*)(\/[^#]*)?(\?[^#]*)?/;

/** @param url - path and query @returns null: it is not below `/w/` */
export function worldPathOf(url: string): WorldPath | null {
  const [, name, rest = null, query = ''] = WORLD_PATH.exec(url) ?? [];
  return name === undefined ? null : { name, rest, query };
}

/** Where to go instead of `/w/NAME`, relative, because a proxy may have taken a path away. */
export const withSlash = ({ name, query }: WorldPath): string => `${name}/${query}`;

/** Whether there can be such a world: else its name is not repeated to anybody. */
export const mayBeWorld = ({ name }: WorldPath): boolean => isWorldName(name);

/** The way from `/w/NAME/rest` to `/rest`, relative. @param path - without the query */
export function wayHome(path: string): string {
  const [, , , ...rest] = path.split('/');
  return '../'.repeat(Math.max(1, rest.length + 1)) + rest.join('/');
}
