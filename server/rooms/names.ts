/** Players' names and hues. */
import { MAX_NAME_LENGTH } from '../../shared/limits.ts';

const COLOURS =
  'Amber Azure Coral Cyan Ebony Ivory Jade Lilac Mint Ochre Olive Pearl Rose Ruby Sage Teal'.split(' ');
const ANIMALS =
  'Badger Crane Dingo Falcon Ferret Fox Gecko Heron Ibex Koala Lynx Marten Newt Otter Panda Quail Robin Seal Tapir Wren'.split(
    ' ',
  );

/** FNV-1a, 32 bits: spreads ids over names and hues. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** A guest's name until they choose one: the same for the same id; two guests rarely share one. */
export function defaultName(guestId: string): string {
  const number = hash(guestId);
  const colour = COLOURS[number % COLOURS.length];
  const animal = ANIMALS[Math.floor(number / COLOURS.length) % ANIMALS.length];
  return `${colour} ${animal} ${1 + (Math.floor(number / (COLOURS.length * ANIMALS.length)) % 99)}`;
}

/** 0..359 */
export const defaultHue = (guestId: string): number => hash(`${guestId} hue`) % 360;

/**
 * Cleans a name for showing: no control or invisible characters, no direction overrides, at most two accents in a row,
 * at most `MAX_NAME_LENGTH` characters. The result may be empty.
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
