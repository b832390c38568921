/**
 * Runs the kernels' subgroup code, from the text that the GPU gets, on lanes in plain JavaScript, for subgroup sizes
 * that no adapter here has. It translates the statements that those kernels use, and throws on others. It cannot show
 * whether a driver keeps lanes together as WGSL demands.
 */

/** One lane: runs to the next subgroup operation, or to its end. */
type Lane = Generator<Operation, number, number>;
interface Operation {
  readonly name: string;
  readonly value: number;
}
/** The workgroup's words, by name. */
export type Words = Record<string, number>;
type LaneProgram = (words: Words, values: Readonly<Record<string, number | boolean>>) => Lane;

const ATOMICS: Readonly<Record<string, (word: number, value: number) => number>> = {
  Add: (word, value) => (word + value) >>> 0,
  Min: Math.min,
  Max: Math.max,
  Or: (word, value) => (word | value) >>> 0,
};

/** Parentheses in parentheses, five deep. */
const NESTED = Array.from({ length: 5 }).reduce<string>((inner) => `(?:[^()]|\\(${inner}\\))*`, '[^()]*');
const ASKED = new RegExp(`yield\\* ask\\(${NESTED}\\)`, 'g');

/**
 * Translates the body of a WGSL function to a lane.
 *
 * @param names - variables that the text takes from outside
 * @throws Error for WGSL that is not translated
 */
export function laneProgram(wgsl: string, names: readonly string[]): LaneProgram {
  const code = wgsl
    .replace(/\b(?:let|var)\b/g, 'let')
    .replace(/\b(\d+|0x[0-9a-f]+)u\b/g, '$1')
    .replace(/\bu32\(/g, 'Number(')
    .replace(/\bsubgroup(\w+)\(/g, "yield* ask('$1', ")
    .replace(/\batomic(\w+)\(&(\w+), /g, "atomic('$1', '$2', ")
    // `yield` needs parentheses, because it binds more weakly than the operators around it.
    .replace(ASKED, '($&)');
  const unknown = /\b(?:subgroup|atomic|workgroup|quad)[A-Z]\w*|[&]\w/.exec(code.replaceAll('&&', ''));
  if (unknown !== null) throw new Error(`not translated: ${unknown[0]} in ${code}`);
  const make = new Function(
    'ask',
    'atomic',
    'select',
    ...names,
    `return function* () { ${code}\nreturn 0; };`,
  );
  function* ask(name: string, value: number | boolean = 0): Generator<Operation, number, number> {
    return yield { name, value: Number(value) };
  }
  const select = (no: number, yes: number, condition: boolean): number => (condition ? yes : no);
  return (words, values) => {
    const atomic = (name: string, word: string, value: number): number => {
      if (!(word in words)) throw new Error(`no word ${word}`);
      const before = words[word];
      words[word] = ATOMICS[name](before, value);
      return before;
    };
    return make(ask, atomic, select, ...names.map((name) => values[name]))() as Lane;
  };
}

/**
 * Runs lanes to their ends, subgroup by subgroup.
 *
 * @param subgroups - the lanes of each subgroup, in the order in which subgroups run
 * @returns what each lane returned
 * @throws Error when the lanes of a subgroup reach different operations, which is not uniform
 */
export function runInLockstep(lanes: readonly Lane[], subgroups: readonly (readonly number[])[]): number[] {
  const returned = new Array<number>(lanes.length).fill(0);
  const answers = new Array<number>(lanes.length).fill(0);
  let left = subgroups;
  while (left.length > 0) {
    left = left.filter((members) => {
      const turns = members.map((lane) => lanes[lane].next(answers[lane]));
      const asked = turns.map(({ done, value }) => (done ? 'end' : (value as Operation).name));
      if (new Set(asked).size > 1) throw new Error(`lanes of a subgroup diverge: ${[...new Set(asked)]}`);
      if (asked[0] === 'end') {
        for (const [i, lane] of members.entries()) returned[lane] = turns[i].value as number;
        return false;
      }
      const values = turns.map(({ value }) => (value as Operation).value);
      for (const [i, lane] of members.entries()) answers[lane] = answer(asked[0], values, i);
      return true;
    });
  }
  return returned;
}

/** The result of a subgroup operation for its i-th active lane. */
function answer(name: string, values: readonly number[], i: number): number {
  const fold = ATOMICS[name];
  if (fold !== undefined) return values.reduce((word, value) => fold(word, value));
  if (name === 'ExclusiveAdd') return values.slice(0, i).reduce(ATOMICS.Add, 0);
  if (name === 'Elect') return Number(i === 0);
  if (name === 'BroadcastFirst') return values[0];
  throw new Error(`no subgroup${name} here`);
}
