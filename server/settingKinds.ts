/** Kinds of settings of the server: what values they take, and how they are read. */
import { MAX_WORLD_CELLS, PAGE_CELLS, type Size } from '../shared/geometry.ts';
import { isWorldName, isWorldTitle, MAX_WORLD_TITLE, WORLD_NAME_RULE } from '../shared/worldNames.ts';
import { AddressRanges } from './addressRanges.ts';
import type { Flag } from './flags.ts';

/** The unit stands behind the range in the help. */
export function inUnit<T>(unit: string, flag: Flag<T>): Flag<T> {
  return { ...flag, range: flag.range + unit };
}

/** A text that is not blank: an address, a folder, a name. */
export function place(fallback: string, range: string, meaning: string): Flag<string> {
  const read = (given: string) => (given.trim() === '' || given.includes('\0') ? null : given);
  return setting(fallback, range, meaning, read);
}

export function yesOrNo(fallback: boolean, meaning: string): Flag<boolean> {
  const read = (given: string) => (given === 'yes' || given === 'no' ? given === 'yes' : null);
  return { ...setting(fallback, 'yes | no', meaning, read), standard: fallback ? 'yes' : 'no' };
}

export function ranges(fallback: string, meaning: string): Flag<string> {
  const read = (given: string) => {
    try {
      return new AddressRanges(given) && given;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return null;
    }
  };
  return setting(fallback, '192.0.2.7, 2001:db8::/32, …', meaning, read);
}

export function pageUrl(meaning: string): Flag<string> {
  const read = (given: string) => {
    const url = /^https?:\/\//.test(given) ? URL.parse(given) : null;
    if (url === null || url.username !== '' || url.password !== '' || /[?#]/.test(given)) return null;
    return `${url.origin}${url.pathname.replace(/\/*$/, '/')}`;
  };
  return setting('', 'http(s)://host/path', meaning, read);
}

export function natsUrl(meaning: string): Flag<string> {
  const isBroker = (one: string): boolean => {
    const url = /^(?:nats|tls):\/\//.test(one) ? URL.parse(one) : null;
    return url !== null && url.hostname !== '' && /^\/?$/.test(url.pathname);
  };
  const read = (given: string) => (given.split(',').every((one) => isBroker(one.trim())) ? given : null);
  return setting('', 'nats://host:port,…', meaning, read);
}

export function postgresUrl(meaning: string): Flag<string> {
  const read = (given: string) => {
    const url = /^postgres(?:ql)?:\/\//.test(given) ? URL.parse(given) : null;
    return url !== null && url.hostname !== '' && url.pathname.length > 1 ? given : null;
  };
  return setting('', 'postgres://user:password@host:port/database', meaning, read);
}

export function httpUrl(fallback: string, meaning: string): Flag<string> {
  const read = (given: string) => (/^https?:\/\//.test(given) && URL.canParse(given) ? given : null);
  return setting(fallback, 'http(s)://host', meaning, read);
}

export function secretText(meaning: string): Flag<string> {
  const read = (given: string) => (given.trim() === given && given.length <= 256 ? given : null);
  return setting('', '1..256 characters', meaning, read);
}

export function worldName(fallback: string, meaning: string): Flag<string> {
  return setting(fallback, WORLD_NAME_RULE, meaning, (given) => (isWorldName(given) ? given : null));
}

export function worldTitle(meaning: string): Flag<string> {
  const read = (given: string) => (isWorldTitle(given) ? given : null);
  return setting('', `1..${MAX_WORLD_TITLE} characters`, meaning, read);
}

/** @returns null when a name is not one, or stands twice */
function namesIn(given: string): readonly string[] | null {
  const names = given.split(',').map((name) => name.trim());
  return names.every(isWorldName) && new Set(names).size === names.length ? names : null;
}

export function worldNames(max: number, meaning: string): Flag<readonly string[]> {
  const read = (given: string) => {
    const names = given === 'none' ? [] : namesIn(given);
    return names !== null && names.length <= max ? names : null;
  };
  const range = `none, or at most ${max} different names (${WORLD_NAME_RULE}), with commas`;
  return { ...setting<readonly string[]>([], range, meaning, read), standard: 'none' };
}

export function relayedWorlds(max: number, meaning: string): Flag<readonly string[]> {
  const read = (given: string) => {
    const names = given === '*' ? ['*'] : namesIn(given);
    return names !== null && names.length <= max ? names : null;
  };
  const range = `*, or at most ${max} different names (${WORLD_NAME_RULE}), with commas`;
  return { ...setting<readonly string[]>([], range, meaning, read), standard: '' };
}

export function token(meaning: string): Flag<string> {
  const read = (given: string) => (given.length >= 16 && given.length <= 256 ? given : null);
  return setting('', '16..256 characters', meaning, read);
}

export function size(fallback: number, meaning: string): Flag<Size> {
  const range = `${PAGE_CELLS}..${MAX_WORLD_CELLS} cells per side`;
  const isInRange = (cells: number) => cells >= PAGE_CELLS && cells <= MAX_WORLD_CELLS;
  const read = (given: string) => {
    const [, width = '', height = width] = /^(\d+)(?:x(\d+))?$/.exec(given) ?? [];
    const sides = { width: Number(width), height: Number(height) };
    return isInRange(sides.width) && isInRange(sides.height) ? sides : null;
  };
  const standard = `${fallback}x${fallback}`;
  return { ...setting({ width: fallback, height: fallback }, range, meaning, read), standard };
}

function setting<T>(fallback: T, range: string, meaning: string, read: (given: string) => T | null): Flag<T> {
  return {
    placeholder: 'VALUE',
    meaning,
    expected: range,
    range,
    fallback,
    standard: String(fallback),
    read,
  };
}
