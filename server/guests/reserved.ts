/**
 * Names that would pass for the server, the garden or the moderators. Nobody may choose them; look-alikes
 * (Cyrillic, Greek, full-width and mathematical letters, letters in circles, digits for letters, spaces between letters)
 * count as well.
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
  'moderation',
  'moderateur',
  'moderador',
  'operator',
  'sysadmin',
  'админ',
  'администратор',
  'модератор',
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
  'nursery',
  'thenursery',
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
  'Αa Βb Εe Ζz Ηh Ιi Κk Μm Νn Οo Ρp Τt Υy Χx Аa Вb Еe Ѕs Іi Јj Кk Мm Нh Оo Рp Сc Тt Уy Хx Ӏi Տs Օo Ꭺa Ᏼb Ꮯc Ꭰd Ꭼe Ꮐg Ꮋh Ꭵi Ꭻj Ꮶk Ꮮl Ꮇm Ꮲp Ꮢr Ꮪs Ꭲt Ꮩv Ꮃw Ꭹy Ꮓz'
    .split(' ')
    .map(([capital, latin]): [string, string] => [capital, latin]),
);

/** Letters that look like Latin ones, after NFKC, lower case and without accents. */
const LOOKALIKES = new Map(
  Object.entries({
    a: 'аαạɑⲁꭺᴀꓮᗩ',
    b: 'вьβƅʙꓐᗷ',
    c: 'сϲⅽᴄꓚᑕ',
    d: 'ԁδɗⅾđɖᴅꓓᗪ',
    e: 'еεєҽℯᴇꓰᕮ',
    f: 'ſƒғꜰꓝᖴ',
    g: 'ɡցɢԍꓖ',
    h: 'һհнʜħꓧᕼ',
    i: 'іιɩıɪӏ1!|ǀ¡łɨꓲ',
    j: 'јϳյᴊꓙᒍ',
    k: 'кκⲕҝᴋꓗ',
    l: 'ⅼʟꓡᒪ',
    m: 'мⅿᴍⲙϻɱꓟᗰ',
    n: 'пոηɴհᴨŋꓠᑎ',
    o: 'оοσօ0ⲟ°өøᴏꓳ',
    p: 'рρⲣᴘꓑᑭ',
    q: 'ԛգ',
    r: 'гᴦⲅяɾʀꓣᖇ',
    s: 'ѕꜱ5$ꓢᔕ',
    t: 'тτᴛ7ꓔ',
    u: 'υսцᴜꓴᑌ',
    v: 'νѵⅴᴠꓦᐯ',
    w: 'ԝѡωᴡшꓪᗯ',
    x: 'хχⅹ×ꓫ᙭',
    y: 'уγүʏꓬ',
    z: 'ᴢ2ʐꓜ',
  }).flatMap(([letter, others]) => [...others].map((other) => [other, letter] as const)),
);

const OTHER_FOLDS = new Map([
  ['3', 'e'],
  ['4', 'a'],
  ['@', 'a'],
  ['8', 'b'],
]);

/** Where alphabets begin that Unicode does not decompose: white letters in black circles and squares, and those of flags. */
const BADGES = [0x1f150, 0x1f170, 0x1f1e6];

/** Letters in circles, squares and other dress as plain letters. */
const undressed = (text: string): string =>
  Array.from(text.normalize('NFKD'), (one) => {
    const code = one.codePointAt(0)!;
    const alphabet = BADGES.find((begin) => code >= begin && code < begin + 26);
    return alphabet === undefined ? one : String.fromCharCode(0x61 + code - alphabet);
  }).join('');

/** What a word looks like at a glance: lower-case Latin letters; what looks like none of them stays. */
function skeletonOf(text: string): string {
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
  const plain = undressed(name);
  // "the server 2" and "*admin*" are no other names; "4dmin" needs its digit.
  const bare = plain.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  // "TheAdmin" is two words, and "xXAdminXx" has one in the middle.
  const apart = plain.replace(/(?<=\p{Ll}\p{M}*)(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{M}*\p{Ll})/gu, ' ');
  const words = [plain, bare, apart].flatMap(wordsOf);
  const joined = [wordsOf(plain).join(''), wordsOf(bare).join('')];
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
