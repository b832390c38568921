/** Finds named bounds in a source text, changes one, and says which tests mirror a file. Pure. */

export interface Bound {
  /** `MAX_NAME`, or `SICK.seconds` for a number in an object. */
  readonly name: string;
  readonly value: number;
  /** Where its number stands in the text. */
  readonly start: number;
  readonly end: number;
}

export const CHANGES = ['halved', 'doubled'] as const;
export type Change = (typeof CHANGES)[number];

/** `const NAME = …;` or `const NAME: … = …;` that is nested in nothing. */
const CONSTANT = /^(?:export )?const ([A-Z][A-Z0-9_]*)(?:: [^=\n]+)? = ([^;]+?)(?: as const)?;/gm;
/** Numbers and arithmetic, without names: `96 * 1024`, `-0.5`, `1 / 8`. */
const ARITHMETIC = /^[-+]?[0-9][0-9a-fA-Fx_.e]*(?:\s*(?:\*\*|[-+*/])\s*[0-9][0-9a-fA-Fx_.e]*)*$/;
const FLAT_OBJECT = /^\{[^{}]*\}$/;
const ENTRY = /(\w+): ([^,{}]+?)\s*(?=[,}])/g;

/** @returns every bound that is a number above 0, or below; without those that name a format (`VERSION`) */
export function boundsIn(text: string): Bound[] {
  const found: Bound[] = [];
  const add = (name: string, number: string, start: number): void => {
    const value = evaluate(number);
    if (value !== 0 && Number.isFinite(value) && !name.endsWith('VERSION'))
      found.push({ name, value, start, end: start + number.length });
  };
  for (const { 0: all, 1: name, 2: written, index } of text.matchAll(CONSTANT)) {
    const start = index + all.indexOf(written, all.indexOf('= '));
    if (!FLAT_OBJECT.test(written)) add(name, written, start);
    else
      for (const entry of written.matchAll(ENTRY))
        add(
          `${name}.${entry[1]}`,
          entry[2],
          start + entry.index + entry[0].indexOf(entry[2], entry[1].length),
        );
  }
  return found;
}

/** @returns NaN when it is not a number */
function evaluate(written: string): number {
  if (!ARITHMETIC.test(written)) return Number.NaN;
  // The pattern lets only arithmetic through.
  return Number(new Function(`return ${written.replaceAll('_', '')};`)());
}

/** Half or twice a bound. Whole numbers above 1 stay whole, because they may be lengths. */
export function changed(value: number, change: Change): number {
  if (change === 'doubled') return value * 2;
  return Number.isInteger(value) && value > 1 ? Math.floor(value / 2) : value / 2;
}

export const withValue = (text: string, { start, end }: Bound, value: number): string =>
  text.slice(0, start) + String(value) + text.slice(end);

/**
 * The test of the same path, and the tests beside it that import the file; when there are none, all tests beside it.
 *
 * @param file - `server/world/health.ts`
 * @param tests - path → text of all tests
 */
export function mirrorsOf(file: string, tests: ReadonlyMap<string, string>): string[] {
  const own = `tests/${file.replace(/^server\//, '').replace(/\.ts$/, '.test.ts')}`;
  const folder = own.slice(0, own.lastIndexOf('/') + 1);
  const beside = [...tests].filter(
    ([path]) => path.startsWith(folder) && !path.slice(folder.length).includes('/'),
  );
  const named = beside.filter(([path, text]) => path === own || text.includes(`../${file}'`));
  return (named.length > 0 ? named : beside).map(([path]) => path);
}
