/** Labels for contact sheets: a 3x5 font of digits, lower-case letters, + and -. */

/** Five rows of three bits per glyph, top first, in octal. */
const GLYPHS: Readonly<Record<string, string>> = {
  '0': '75557',
  '1': '26227',
  '2': '71747',
  '3': '71717',
  '4': '55711',
  '5': '74717',
  '6': '74757',
  '7': '71122',
  '8': '75757',
  '9': '75717',
  '+': '02720',
  '-': '00700',
  '.': '00002',
  ' ': '00000',
  a: '25755',
  b: '65656',
  c: '34443',
  d: '65556',
  e: '74647',
  f: '74644',
  g: '34553',
  h: '55755',
  i: '72227',
  j: '11152',
  k: '55655',
  l: '44447',
  m: '57755',
  n: '65555',
  o: '25552',
  p: '65644',
  q: '25573',
  r: '65655',
  s: '34216',
  t: '72222',
  u: '55557',
  v: '55552',
  w: '55775',
  x: '55255',
  y: '55222',
  z: '71247',
};

const GLYPH_WIDTH = 4;
export const GLYPH_HEIGHT = 5;

/** Calls `dot` for every pixel of the text, from (0, 0). A character without a glyph leaves a gap. */
export function drawText(text: string, dot: (x: number, y: number) => void): void {
  [...text.toLowerCase()].forEach((letter, index) => {
    const rows = GLYPHS[letter];
    if (rows === undefined) return;
    for (let y = 0; y < GLYPH_HEIGHT; y++) {
      const bits = Number(rows[y]);
      for (let x = 0; x < 3; x++) if (bits & (4 >> x)) dot(index * GLYPH_WIDTH + x, y);
    }
  });
}
