/**
 * Names that would pass for the server, the garden or whoever keeps order. They are nobody's to choose; look-alikes
 * (Cyrillic, Greek, full-width and mathematical letters, digits for letters, spaces between letters) count as well.
 */

/** As a whole name, and as any word of one. */
const ROLES = [
  'admin',
  'admins',
  'administrator',
  'moderator',
  'moderators',
  'mod',
  'mods',
  'operator',
  'sysadmin',
];
/** As a whole name. */
const WHOLE = [
  'server',
  'theserver',
  'garden',
  'thegarden',
  'world',
  'theworld',
  'tuner',
  'thetuner',
  'system',
  'root',
  'owner',
  'theowner',
  'staff',
  'support',
  'host',
  'regrow',
  'regrowteam',
  'anadmin',
  'you',
  'nobody',
  'someone',
  'everybody',
];
/** As the beginning of a name: "Admin2", "adminBob". */
const BEGINNINGS = ['admin', 'administrator', 'moderator'];

/** Capitals of other scripts, whose small letters look different; each stands before its Latin twin. */
const CAPITALS = new Map(
  'Αa Βb Εe Ζz Ηh Ιi Κk Μm Νn Οo Ρp Τt Υy Χx Аa Вb Еe Ѕs Іi Јj Кk Мm Нh Оo Рp Сc Тt Уy Хx Ӏi Տs Օo Ꭺa Ꮇm Ꭰd Ꮢr'
    .split(' ')
    .map(([capital, latin]): [string, string] => [capital, latin]),
);

/** Letters that look like Latin ones, after NFKC, lower case and without accents. */
const LOOKALIKES = new Map(
  Object.entries({
    a: 'аαạɑⲁꭺ',
    b: 'вьβƅ',
    c: 'сϲⅽᴄ',
    d: 'ԁδɗⅾ',
    e: 'еεєҽℯ',
    f: 'ſƒғ',
    g: 'ɡցɢԍ',
    h: 'һհнʜ',
    i: 'іιɩıɪӏ1!|ǀ¡ł',
    j: 'јϳյ',
    k: 'кκⲕҝ',
    l: 'ⅼ',
    m: 'мⅿᴍⲙϻ',
    n: 'пոηɴհᴨ',
    o: 'оοσօ0ⲟ°ө',
    p: 'рρⲣ',
    q: 'ԛգ',
    r: 'гᴦⲅяɾʀ',
    s: 'ѕꜱ5$',
    t: 'тτᴛ7',
    u: 'υսцᴜ',
    v: 'νѵⅴᴠ',
    w: 'ԝѡωᴡш',
    x: 'хχⅹ×',
    y: 'уγүʏ',
    z: 'ᴢ2ʐ',
  }).flatMap(([letter, others]) => [...others].map((other) => [other, letter] as const)),
);

const OTHER_FOLDS = new Map([
  ['3', 'e'],
  ['4', 'a'],
  ['@', 'a'],
  ['8', 'b'],
]);

/** What a word looks like at a glance: lower-case Latin letters; what looks like none of them stays. */
export function skeletonOf(text: string): string {
  const latin = Array.from(text.normalize('NFKD').replace(/\p{M}/gu, ''), (one) => CAPITALS.get(one) ?? one);
  const plain = latin.join('').toLowerCase();
  return (
    Array.from(plain, (one) => LOOKALIKES.get(one) ?? OTHER_FOLDS.get(one) ?? one)
      .join('')
      // What one sees of "l" and "i", and of "rn" and "m", is the same in many fonts.
      .replaceAll('l', 'i')
      .replaceAll('rn', 'm')
      .replaceAll('vv', 'w')
  );
}

const folded = (words: readonly string[]): ReadonlySet<string> => new Set(words.map(skeletonOf));
const ROLE_WORDS = folded(ROLES);
const WHOLE_NAMES = folded([...ROLES, ...WHOLE]);
const NAME_BEGINNINGS = [...folded(BEGINNINGS)];

/**
 * @param name - cleaned
 * @param others - further reserved names: those of the admins
 */
export function isReserved(name: string, others: readonly string[] = []): boolean {
  // "the server 2" and "*admin*" are no other names; "4dmin" needs its digit.
  const bare = name.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  const words = [...wordsOf(name), ...wordsOf(bare)];
  const joined = [wordsOf(name).join(''), wordsOf(bare).join('')];
  return (
    words.some((word) => ROLE_WORDS.has(word)) ||
    joined.some((one) => WHOLE_NAMES.has(one) || NAME_BEGINNINGS.some((begin) => one.startsWith(begin))) ||
    others.some((other) => joined.includes(wordsOf(other).join('')))
  );
}

/** The skeletons of a name's words. */
const wordsOf = (name: string): string[] =>
  name
    .split(/[^\p{L}\p{N}\p{M}@$!|]+/u)
    .map((word) => skeletonOf(word.replace(/[!|]+$/u, '')))
    .filter((word) => word !== '');
