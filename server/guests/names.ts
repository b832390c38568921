/** What guests are called: names that are given, and names that are chosen. */
import { cutName, graphemesOf } from '../../shared/names.ts';

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

/** An emoji as Unicode recommends it for interchange; families and flags are several code points. */
const EMOJI = /^\p{RGI_Emoji}$/v;
/**
 * What shows nothing, or what no keyboard writes: controls, formats, private and unassigned characters, lone surrogates,
 * default-ignorable ones (Hangul fillers), the blank of Braille, the null notehead, and the replacement characters that
 * stand for what could not be decoded.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{1D159}\uFFFC\uFFFD]/gu;
/** Single characters that are as wide as a line. */
const VAST = /[\uFDFD\uA9C5\u{1242B}\u{12219}\u{12031}\u2E3A\u2E3B]/gu;
/** Circles, squares and the like around other characters. */
const ENCLOSING = /\p{Me}/gu;
/** Accents that fit any letter: a tower of them covers the lines above and below. */
const STACKED = /(\p{Script=Inherited}{2})\p{Script=Inherited}+/gu;
/** The letters of Indic scripts, Thai and Tibetan have fewer marks. */
const MARKS = /(\p{M}{4})\p{M}+/gu;
/** Scripts in which a joiner or non-joiner between two letters changes how a word is read. */
const JOINING =
  'Arabic Syriac Mongolian Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala'
    .split(' ')
    .map((script) => `\\p{Script=${script}}`)
    .join('');
const AFTER_JOINING = new RegExp(`[${JOINING}]$`, 'u');
const BEFORE_JOINING = new RegExp(`^[${JOINING}]`, 'u');
/** Something to see that is not only a mark on nothing. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;
/** Longer texts are cut before they are looked at. */
const MAX_READ = 512;

/**
 * Cleans a name for showing: nothing invisible, nothing that turns the direction of text, no towers of accents, at most
 * `MAX_NAME_LENGTH` graphemes; emoji of several code points stay whole. The result may be empty. Cleaning it again
 * changes nothing.
 */
export function sanitiseName(name: string): string {
  // What is taken out can bring characters together that are read as one then: it is repeated until nothing changes.
  let clean = cleaned(name.slice(0, MAX_READ));
  for (let again = cleaned(clean); again !== clean; again = cleaned(clean)) clean = again;
  return VISIBLE.test(clean) ? clean : '';
}

function cleaned(text: string): string {
  let shown = '';
  let words = '';
  for (const grapheme of graphemesOf(text.toWellFormed().normalize('NFC'))) {
    if (!EMOJI.test(grapheme)) {
      words += grapheme;
      continue;
    }
    shown += plain(words) + grapheme;
    words = '';
  }
  shown += plain(words);
  return cutName(shown.replace(/\s+/gu, ' ').trim()).trim();
}

/** Cleans a text without emoji. */
function plain(words: string): string {
  return words
    .replace(UNSEEN, (one, ...rest) => {
      const at = rest.at(-2) as number;
      if ((one === '\u200C' || one === '\u200D') && joins(words, at)) return one;
      return /\p{M}/u.test(one) ? '' : ' ';
    })
    .replace(VAST, '')
    .replace(ENCLOSING, '')
    .replace(/(?<=^|\s)\p{M}+/gu, '')
    .replace(STACKED, '$1')
    .replace(MARKS, '$1');
}

const joins = (words: string, at: number): boolean =>
  AFTER_JOINING.test(words.slice(0, at)) && BEFORE_JOINING.test(words.slice(at + 1));
