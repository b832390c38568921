import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HELP, readCommand, trainingCommand } from '../../server/commands/trainFlags.ts';
import { writeRule } from '../../server/rules/load.ts';
import { drawnTarget } from '../../server/training/learning.ts';
import { firstWeights } from '../../server/training/optimizer.ts';
import type { TrainingPlan } from '../../server/training/plan.ts';
import { Random } from '../../server/training/random.ts';
import { readTarget } from '../../server/training/target.ts';
import { formatPackedLink } from '../../shared/drawing/link.ts';
import { packDrawing } from '../../shared/drawing/packed.ts';
import { STARTERS } from '../../shared/starters/starters.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-train-command-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const MEW = ['--sprite', 'mew', '--out', 'mew.safetensors'];

test('every flag that is wrong is named in one error', () => {
  expect(() =>
    readCommand(['--out', 'x', '--hidden', '7', '--rate', '2', '--batch', '8', '--pool', '4']),
  ).toThrow(
    [
      '--hidden 7 is not a multiple of 4 from 4 to 256',
      '--rate 2 is not a number from 1e-7 to 1',
      '--out x does not end in .safetensors',
      'one of --sprite, --image, --drawing and --resume must be given',
      '--pool 4 is less than the batch of 8',
    ].join('\n'),
  );
  expect(() => readCommand(['--speed', '9'])).toThrow('--speed');
  expect(() => readCommand([])).toThrow('--out is missing');
  expect(readCommand(['--help'])).toBeNull();
});

const whole = (min: number, max: number): string => `a whole number from ${min} to ${max}`;
const real = (min: number, max: number): string => `a number from ${min} to ${max}`;
const REFUSED: readonly (readonly [flag: string, value: string, expected: string])[] = [
  ['scale', '0.9', real(1, 8)],
  ['padding', '33', whole(4, 32)],
  ['hidden', '260', 'a multiple of 4 from 4 to 256'],
  ['fire-rate', '0', real(0.001, 1)],
  ['iterations', '0', whole(1, 1_000_000)],
  ['curriculum', '100001', whole(0, 100_000)],
  ['longest', '63', whole(64, 256)],
  ['shortest', '257', whole(1, 256)],
  ['batch', '1', whole(2, 64)],
  ['batch', '2.5', whole(2, 64)],
  ['batch', '', whole(2, 64)],
  ['batch', 'four', whole(2, 64)],
  ['pool', '4097', whole(0, 4096)],
  ['seed-part', '1.1', real(0, 1)],
  ['reseed', 'best', 'worst or any'],
  ['far-off', '0', real(0.01, 10)],
  ['room', '33', whole(0, 32)],
  ['delay', '97', whole(0, 96)],
  ['twice', '2', real(0, 1)],
  ['ward', '65', whole(0, 64)],
  ['sick', '1.5', real(0, 1)],
  ['walls', '1.5', real(0, 1)],
  ['align', '9', whole(0, 8)],
  ['place', '101', real(0, 100)],
  ['waves', '101', real(0, 100)],
  ['stray', '101', real(0, 100)],
  ['rim', '101', real(0, 100)],
  ['quiescence', '101', real(0, 100)],
  ['overflow', '2', real(0, 1)],
  ['rate', '0', real(1e-7, 1)],
  ['normalise', '1.01', real(0, 1)],
  ['optimizer', 'sgd', 'muon or adam'],
  ['random-seed', '4294967296', whole(0, 4_294_967_295)],
  ['threads', '0', whole(1, 256)],
  ['engine', 'cuda', 'wasm or tfjs'],
];

test.each(REFUSED)('--%s %j is refused, with what is allowed', (flag, value, expected) => {
  expect(() => readCommand([...MEW, `--${flag}`, value])).toThrow(`--${flag} ${value} is not ${expected}`);
});

test('--damage takes kinds that exist, or none', () => {
  const damageOf = (kinds: string): unknown => readCommand([...MEW, '--damage', kinds])?.from;
  expect(damageOf('half,half,circle')).toMatchObject({ damage: ['half', 'half', 'circle'] });
  expect(damageOf('none')).toMatchObject({ damage: [] });
  for (const kinds of ['half,lasers', 'half,', 'none,half', ''])
    expect(() => damageOf(kinds)).toThrow(`--damage ${kinds} is not none or a list from circle,half,`);
});

test('every flag that has a range in the help is tried with a value beyond it', () => {
  const ranged = HELP.replaceAll(/\s+/g, ' ').matchAll(
    / --([\w-]+) (?:N|X|NAME) (?:(?! --)[^[])*\[([^\]]*)\]/g,
  );
  const flags = Array.from(ranged, ([, flag, facts]) => (/\.\.| \| /.test(facts) ? [flag] : [])).flat();
  expect(flags.length).toBeGreaterThan(20);
  const tried = new Set(REFUSED.map(([flag]) => flag));
  expect(flags.filter((flag) => !tried.has(flag))).toEqual([]);
});

test('a polish keeps picture and shape of a rule, begins with its weights, and overwrites its file', () => {
  const file = join(folder, 'own.safetensors');
  const rule = { name: 'own', ...firstWeights(32, new Random(1)), hidden: 32, fireRate: 0.75 };
  writeRule(file, { ...rule, metadata: { sprite: 'mew', scale: '1.6', padding: '9', place: '0.2' } });
  const command = readCommand(['--polish', file, '--rate', '0.004']);
  expect(command?.out).toBe(file);
  expect(command?.from).toMatchObject({
    name: 'own',
    source: { sprite: 'mew', scale: 1.6, padding: 9 },
    parent: file,
    hidden: 32,
    fireRate: 0.75,
    placeWeight: 0.2,
    batch: 8,
    longestSteps: 144,
    rate: 0.004,
    normalisation: 0.75,
    wallPart: 0.3,
    farOff: 0.6,
    roomCells: 8,
  });
  // A rule that was not taught the place is not taught it by a polish.
  writeRule(file, { ...rule, metadata: {} });
  expect(readCommand(['--polish', file, '--image', 'a.png'])?.from).toMatchObject({ placeWeight: 0 });
  expect(() => readCommand(['--polish', join(folder, 'none.safetensors')])).toThrow('none.safetensors');
});

const [AXOLOTL] = STARTERS;
const packed = packDrawing(AXOLOTL.drawing);
const link = formatPackedLink({ packed, name: 'My axolotl' });
const drawn = { drawing: packed, title: 'My axolotl' };

test.each([
  ['the link', `https://regrow.example/w/meadow/${link}`, 'My axolotl'],
  ['what stands behind its #', link.slice(1), 'My axolotl'],
  ['a link without a name', `#draw=${packed}`, 'mine'],
])('a drawing is given as %s', (_how, text, title) => {
  const plan = readCommand(['--drawing', text, '--out', 'mine.safetensors'])?.from as TrainingPlan;
  expect(plan.source).toEqual({ drawing: { drawing: packed, title }, scale: 1, padding: 12 });
  expect(readTarget(plan.source)).toEqual(drawnTarget({ drawing: packed, title }));
});

test.each([
  [[packed], '--drawing is not the link of a drawing: #draw=…'],
  [['#draw=AAAA'], '--drawing: '],
  [[link, '--scale', '2'], '--scale 2: a drawing is grown as it is'],
  [[link, '--sprite', 'mew'], 'one of --sprite, --image, --drawing and --resume must be given'],
])('a drawing that cannot be trained on is refused: %#', ([text, ...flags], message) => {
  expect(() => readCommand(['--drawing', text, '--out', 'a.safetensors', ...flags])).toThrow(message);
});

test('a rule of a drawing is polished with its drawing, or with another picture that is given', () => {
  const file = join(folder, 'axolotl.safetensors');
  const rule = { name: 'axolotl', ...firstWeights(32, new Random(1)), hidden: 32, fireRate: 0.5 };
  writeRule(file, { ...rule, metadata: { ...drawn, scale: '1', padding: '12' } });
  const sourceOf = (...flags: string[]) =>
    (readCommand(['--polish', file, ...flags])!.from as TrainingPlan).source;
  expect(sourceOf()).toEqual({ drawing: drawn, scale: 1, padding: 12 });
  expect(sourceOf('--sprite', 'mew')).toEqual({ sprite: 'mew', scale: 1, padding: 12 });
});

test('a quick training takes the picture and little else, and is bounded only where it is told', () => {
  const quick = ['--quick', '--image', 'a.png', '--out', 'a.safetensors'];
  expect(readCommand(quick)?.quick).toMatchObject({
    name: 'a',
    source: { image: 'a.png', scale: 1 },
    start: undefined,
    maxIterations: undefined,
    checkpoint: join('build/train/a', 'checkpoint.bin'),
  });
  expect(readCommand([...quick, '--iterations', '900', '--from', 'b.safetensors'])?.quick).toMatchObject({
    start: 'b.safetensors',
    maxIterations: 900,
  });
  expect(() => readCommand([...quick, '--batch', '8', '--walls', '0.3'])).toThrow(
    '--batch: not with --quick\n--walls: not with --quick',
  );
  const ofDrawing = ['--quick', '--drawing', link, '--out', 'a.safetensors'];
  expect(readCommand(ofDrawing)?.quick).toMatchObject({ source: { drawing: drawn, scale: 1 } });
  expect(readCommand(MEW)?.quick).toBeNull();
});

test.each([
  [['--engine', 'tfjs', '--sprite', 'pikachu', '--scale', '2', '--random-seed', '9']],
  [['--image', 'a.png', '--damage', 'none', '--from', 'b.safetensors', '--walls', '0.3', '--far-off', '0.6']],
  [['--sprite', 'mew', '--damage', 'drag,half', '--reseed', 'any', '--optimizer', 'adam', '--room', '8']],
  [['--drawing', link, '--rate', '0.001']],
])('the command that stands in a rule makes the rule again: %j', (args) => {
  const first = readCommand([...args, '--out', 'weights/some.safetensors']);
  const again = trainingCommand(first?.from as TrainingPlan, first?.out ?? '', first!.engine);
  const words = again.replace('npm run train -- ', '').split(' ');
  expect(readCommand(words.map((word) => word.replace(/^'(.*)'$/, '$1')))).toEqual(first);
});
