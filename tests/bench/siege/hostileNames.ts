/** Names that nobody should be shown under, as bytes on the wire, and a judge of names as others read them. Pure. */
import { pack } from '../load/pack.ts';

const COUNT = 1_000;
/** Bytes of a name; a longer one is refused with its connection. */
const MAX_BYTES = 250;

/** Characters that show nothing. */
const BLANKS = [
  0x00a0, 0x00ad, 0x034f, 0x061c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180e, 0x2000, 0x200b, 0x200c,
  0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202f, 0x205f, 0x2060, 0x2064, 0x206a, 0x2800, 0x3000, 0x3164,
  0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xfffb, 0x1bca0, 0x1d159, 0x1d173, 0xe0001, 0xe0020, 0xe0100,
];
const TURNS = [0x202a, 0x202d, 0x202e, 0x2066, 0x2067, 0x2069];
const RESERVED = ['Admin', 'the server', 'the garden', 'moderator', 'Server', 'ADMIN'];
/** Letters of other scripts that look like Latin ones. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: 'а',
  d: 'ԁ',
  e: 'е',
  i: 'і',
  m: 'm',
  n: 'ո',
  o: 'ο',
  r: 'г',
  s: 'ѕ',
  t: 'τ',
  v: 'ν',
};
/** UTF-8 that is none: a lone surrogate, an overlong slash, a cut sequence, bytes that never occur. */
const BROKEN = [
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xc0, 0xaf],
  [0xf0, 0x9f, 0x91],
  [0xff, 0xfe],
  [0xf8, 0x88],
];

/** @param draw - 0..1. @returns a thousand payloads of name messages */
export function hostileNames(draw: () => number): Buffer[] {
  const whole = (below: number): number => Math.floor(draw() * below);
  const pick = <T>(from: readonly T[]): T => from[whole(from.length)];
  const text = (points: readonly number[]): Buffer => Buffer.from(String.fromCodePoint(...points));
  const kinds: readonly (() => Buffer)[] = [
    () => text(Array.from({ length: 1 + whole(20) }, () => pick(BLANKS))),
    () => text([pick(BLANKS), ...(draw() < 0.5 ? [pick(TURNS)] : []), pick(BLANKS)]),
    () => Buffer.from(pick(RESERVED)),
    () =>
      Buffer.from(
        Array.from(pick(RESERVED), (letter) =>
          draw() < 0.5 ? (LOOK_ALIKES[letter] ?? letter) : letter,
        ).join(''),
      ),
    () =>
      Buffer.from(
        Array.from(pick(RESERVED), (letter) => (draw() < 0.4 ? `${letter}\u200b` : letter)).join(''),
      ),
    () =>
      Buffer.from(
        Array.from(pick(RESERVED), (letter) =>
          /[a-z]/i.test(letter) ? String.fromCodePoint(letter.codePointAt(0)! + 0xfee0) : letter,
        ).join(''),
      ),
    () => text([...Buffer.from('Ann'), pick(TURNS), ...Buffer.from('nimdA')]),
    () =>
      Buffer.concat([Buffer.from('Bob '), Buffer.from(pick(BROKEN)), Buffer.from(draw() < 0.5 ? ' x' : '')]),
    () => text([0x5a, ...Array.from({ length: 3 + whole(60) }, () => 0x300 + whole(0x6f))]),
    () => Buffer.from('👨‍👩‍👧‍👦'.repeat(1 + whole(6))),
    () => Buffer.from(`<img src=x onerror=alert(${whole(99)})>`),
    () =>
      Buffer.from(
        pick([
          '__proto__',
          'constructor',
          'null',
          '\u0000',
          '%s%n',
          "'; drop table guests;--",
          '\r\nX: y',
          '﷽﷽﷽﷽',
        ]),
      ),
    () =>
      text(
        Array.from({ length: 1 + whole(60) }, () => {
          const point = whole(0x2fa20);
          return point >= 0xd800 && point < 0xe000 ? 0x20 : point;
        }),
      ),
  ];
  return Array.from({ length: COUNT }, (_, i) => {
    const bytes = kinds[i % kinds.length]();
    return nameMessage(bytes.subarray(0, MAX_BYTES));
  });
}

/** A name message: MessagePack of `{name}`, whose text may be no UTF-8. @param text - at most 65,535 bytes */
export const nameMessage = (text: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(0x81), pack('name'), Buffer.of(0xda, text.length >> 8, text.length & 0xff), text]);

const LATIN = new Map(Object.entries(LOOK_ALIKES).map(([latin, other]) => [other, latin]));
const KEPT_FROM_ALL = new Set(['admin', 'theserver', 'server', 'thegarden', 'garden', 'moderator']);
const MAX_MARKS = 3;

/** What is wrong with a name that others are shown; null: nothing. */
export function nameFault(name: string): string | null {
  if (!name.isWellFormed() || name.includes('\ufffd') || name.includes('???')) return 'broken text';
  const visible = name.replace(/[\p{Default_Ignorable_Code_Point}\p{C}\p{Z}\p{M}\u2800]/gu, '');
  if (visible === '') return 'invisible';
  if (/[\u202a-\u202e\u2066-\u2069\p{Cc}]/u.test(name)) return 'turns or controls';
  if (new RegExp(`\\p{M}{${MAX_MARKS + 1},}`, 'u').test(name)) return 'a tower of marks';
  const skeleton = Array.from(
    visible.normalize('NFKC').toLowerCase(),
    (letter) => LATIN.get(letter) ?? letter,
  )
    .join('')
    .normalize('NFKC');
  return KEPT_FROM_ALL.has(skeleton) ? 'reserved' : null;
}
