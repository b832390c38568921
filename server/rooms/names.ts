/** What players are called. */
import { MAX_NAME_LENGTH } from '../../shared/limits.ts';

const COLOURS =
  'Amber Azure Coral Cyan Ebony Ivory Jade Lilac Mint Ochre Olive Pearl Rose Ruby Sage Teal'.split(' ');
const ANIMALS =
  'Badger Crane Dingo Falcon Ferret Fox Gecko Heron Ibex Koala Lynx Marten Newt Otter Panda Quail Robin Seal Tapir Wren'.split(
    ' ',
  );

/** FNV-1a, 32 bits: spreads session ids over names and hues. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** The same for the same session id; two players rarely share one. */
export function defaultName(sessionId: string): string {
  const seed = hash(sessionId);
  const colour = COLOURS[seed % COLOURS.length];
  const animal = ANIMALS[Math.floor(seed / COLOURS.length) % ANIMALS.length];
  return `${colour} ${animal} ${1 + (Math.floor(seed / (COLOURS.length * ANIMALS.length)) % 99)}`;
}

export const defaultHue = (sessionId: string): number => hash(`${sessionId} hue`) % 360;

/**
 * What may stand beside a cursor: no control or invisible characters, no direction overrides, no pile of
 * accents, at most `MAX_NAME_LENGTH` characters. Empty when nothing is left.
 */
export function sanitiseName(name: string): string {
  const visible = name
    .normalize('NFC')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/\p{M}{3,}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  return [...visible].slice(0, MAX_NAME_LENGTH).join('').trim();
}
