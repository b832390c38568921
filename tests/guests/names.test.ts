import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultHue, defaultName, sanitiseName } from '../../server/guests/names.ts';
import { isReserved } from '../../server/guests/reserved.ts';
import { MAX_NAME_LENGTH } from '../../shared/limits.ts';
import { cutName, graphemesOf, MAX_NAME_UNITS } from '../../shared/names.ts';

const FAMILY = '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}';
const SCOTLAND = '\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}';

describe('a name is cleaned for showing', () => {
  test.each([
    ['  Ash   Ketchum ', 'Ash Ketchum'],
    ['Zo\u0065\u0301', 'Zoé'],
    ['サトシ', 'サトシ'],
    ['สวัสดีที่รัก', 'สวัสดีที่รัก'],
    ['a\u0000b\u001b[31mc', 'a b [31mc'],
    ['\u202eevil', 'evil'],
    ['n'.repeat(99), 'n'.repeat(MAX_NAME_LENGTH)],
    ['😀'.repeat(99), '😀'.repeat(MAX_NAME_LENGTH)],
    ['\ud83d lone \udc00', 'lone'],
    ['\ufffd\ufffd\ufffd', ''],
    ['a\ufdfdb', 'ab'],
    ['a\u20dd', 'a'],
  ])('%j is shown as %j', (name, shown) => {
    expect(sanitiseName(name)).toBe(shown);
  });

  test.each([
    '\u200b\u200d\ufeff',
    '\u3164',
    '\u2800\u2800',
    '\uffa0',
    '\u115f\u1160',
    '\u00ad',
    '\u0301',
    ' \u034f ',
  ])('%j shows nothing, and is no name', (name) => {
    expect(sanitiseName(name)).toBe('');
  });

  test.each(['👩‍🚀 pilot', `${FAMILY} all`, SCOTLAND, '1️⃣', '❤️', '🇨🇭', '👋🏽'])(
    'the emoji of %j stay whole',
    (name) => {
      expect(sanitiseName(name)).toBe(name);
    },
  );

  test('joiners stay where they change a word, and only there', () => {
    expect(sanitiseName('می\u200cخواهم')).toBe('می\u200cخواهم');
    expect(sanitiseName('क्\u200dष')).toBe('क्\u200dष');
    expect(sanitiseName('ad\u200cmin\u200d')).toBe('ad min');
  });

  test('at most two accents stand on a letter', () => {
    expect(sanitiseName(`x${'\u0336'.repeat(40)}y`)).toBe('x\u0336\u0336y');
  });

  /** Texts of what hostile names are made of. */
  const hostile = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 4 }),
        fc.constantFrom(
          FAMILY,
          SCOTLAND,
          '\u0301',
          '\u200d',
          '\ufe0f',
          '\u3164',
          '\u202e',
          '\ud800',
          '🇨',
          'न',
          '्',
          'a',
          ' ',
        ),
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join(''));

  test('whatever is sent, the result is short, well-formed, visible or empty, and clean already', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const clean = sanitiseName(name);
        expect(graphemesOf(clean).length).toBeLessThanOrEqual(MAX_NAME_LENGTH);
        expect(clean.length).toBeLessThanOrEqual(MAX_NAME_UNITS);
        expect(clean.isWellFormed()).toBe(true);
        expect(clean === '' || /[\p{L}\p{N}\p{P}\p{S}]/u.test(clean)).toBe(true);
        expect(clean).not.toMatch(/[\p{Cc}\p{Co}\p{Cn}\u202a-\u202e\u2066-\u2069\u2800\u3164]/u);
        expect(clean).not.toMatch(/\p{Script=Inherited}{12}/u);
        expect(sanitiseName(clean)).toBe(clean);
      }),
      { seed: 19, numRuns: 2_000 },
    );
  });

  test('a client cuts at whole characters, and what it cuts the server does not cut again', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const cut = cutName(name);
        expect(cut.isWellFormed()).toBe(true);
        expect(name.toWellFormed().startsWith(cut)).toBe(true);
        expect(cutName(cut)).toBe(cut);
      }),
      { seed: 20, numRuns: 500 },
    );
  });
});

describe('reserved names', () => {
  test.each([
    'Admin',
    'ADMIN!',
    '*admin*',
    'a d m i n',
    'admin2',
    'xX admin Xx',
    'Ａｄｍｉｎ',
    '𝓐𝓭𝓶𝓲𝓷',
    'аdmin',
    'АDМІΝ',
    'αdmιn',
    '4dm1n',
    'Adm!n',
    'Adrnin',
    'Ádmín',
    'Moderator',
    'M0derat0r',
    'Mod',
    'the server',
    'Тhе sеrvеr',
    'The Garden',
    'System',
    'ⓐⓓⓜⓘⓝ',
    '🅐🅓🅜🅘🅝',
    '🅰🅳🅼🅸🅽',
    '🇦🇩🇲🇮🇳',
    'ᴀᴅᴍɪɴ',
    'ꓮꓓꓟꓲꓠ',
    'ᎪᎠᎷᎥΝ',
    'ᗩᗪᗰIᑎ',
    'TheAdmin',
    'xXAdminXx',
    'Админ',
    'Moderation',
  ])('%s passes for somebody who keeps order, and is nobody’s to choose', (name) => {
    expect(isReserved(sanitiseName(name))).toBe(true);
  });

  test.each([
    'Ash',
    'Badminton',
    'Modest',
    'Model',
    'Roderick',
    'Garden Gnome',
    'Amber Fox 3',
    'World of Warcraft',
    'Сергей',
    'サトシ',
    '👩‍🚀',
    'Ash 🇨🇭',
    'McModest',
    'Modesto',
    'ΜΟΥΣΑ',
    'Øystein Đorđević',
  ])('%s is free', (name) => {
    expect(isReserved(sanitiseName(name))).toBe(false);
  });

  test('the names of admins are reserved, and what looks like them', () => {
    for (const name of ['Mira', 'mira 2', 'Мirа', 'M1ra'])
      expect(isReserved(sanitiseName(name), ['Mira'])).toBe(true);
    expect(isReserved('Miranda', ['Mira'])).toBe(false);
  });

  test('no name that the server gives is reserved', () => {
    for (let i = 0; i < 2_000; i++) expect(isReserved(defaultName(`guest ${i}`))).toBe(false);
  });
});

test('default names rarely collide, and an id always gives the same name and a hue below 360', () => {
  const ids = Array.from({ length: 100 }, (_, i) => `session-${i}`);
  expect(new Set(ids.map(defaultName)).size).toBeGreaterThan(97);
  for (const id of ids) {
    expect(defaultName(id)).toBe(defaultName(id));
    expect(defaultName(id).length).toBeLessThanOrEqual(MAX_NAME_LENGTH);
    expect(defaultHue(id)).toBeLessThan(360);
  }
});
