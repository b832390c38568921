/**
 * `npm run bench -- wilting [--hours 1] [--bots 25] [--organisms 48] [--size 1024] [--random-seed 1] [--weights DIR]
 * [--threads 1] [--pictures DIR] [--json]`: a soak without sockets, as fast as the engine steps: the same players, in
 * the world itself, on a clock of its own. It tells how often bodies wilt, of which rule and why, and what came before.
 * `--pictures` writes a strip for each: the body when it was struck, from its last whole moment to its wilting.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { EnergyStore } from '../../server/guests/energy.ts';
import { loadRuleFiles } from '../../server/rules/load.ts';
import { sha256Of } from '../../server/rules/registry.ts';
import { growMature, speciesOf } from '../../server/world/mature.ts';
import { World } from '../../server/world/world.ts';
import { seededRandom } from '../engines/fixtures.ts';
import { Bot } from './wilting/bot.ts';
import { CaseBook } from './wilting/caseBook.ts';

const FRAMES_PER_SECOND = 20;
const STEPS_PER_SECOND = 30;
const GROWN_STEPS = 600;
/** As the soak looks at all bodies. */
const LOOK_FRAMES = 2 * FRAMES_PER_SECOND;
const QUIET_SECONDS = 60;
const TELL_FRAMES = 300 * FRAMES_PER_SECOND;
const FULL_LIMITS = { plantsPerGuest: Number.POSITIVE_INFINITY, plantsPerAddress: Number.POSITIVE_INFINITY };

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    hours: { type: 'string', default: '1' },
    bots: { type: 'string', default: '25' },
    organisms: { type: 'string', default: '48' },
    size: { type: 'string', default: '1024' },
    'random-seed': { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    weights: { type: 'string', default: join(import.meta.dirname, '../../weights') },
    pictures: { type: 'string' },
  },
});
const side = Number(values.size);
const world = { width: side, height: side };
const randomSeed = Number(values['random-seed']);

const rules = [];
for (const { rule, bytes } of loadRuleFiles(values.weights)) {
  const mature = await growMature(rule, createWasmEngine);
  rules.push({
    rule,
    mature,
    card: speciesOf(rule, mature),
    sha256: sha256Of(bytes),
    label: `${rule.name} v1`,
  });
}
const engine = await createWasmEngine({ ...world, randomSeed, threads: Number(values.threads) });
const live = new World(engine, rules, { ...FULL_LIMITS, witherHours: 0, sleepSeconds: 5 });
live.plantGarden(Number(values.organisms), randomSeed);

let nowMs = 0;
let owed = 0;
async function frame(): Promise<void> {
  await live.applyStrokes();
  owed += STEPS_PER_SECOND / FRAMES_PER_SECOND;
  const steps = Math.floor(owed + 1e-9);
  owed -= steps;
  if (steps > 0) await engine.step(steps);
  await live.applyStrokes();
  await engine.visitChanged(() => {});
  await live.observe(1 / FRAMES_PER_SECOND);
  live.wounds.take();
  nowMs += 1_000 / FRAMES_PER_SECOND;
}
while (engine.stepNumber < GROWN_STEPS) await frame();
live.wilting.take();

const folder = values.pictures;
if (folder !== undefined) mkdirSync(folder, { recursive: true });
const book = new CaseBook(live, folder);
const energy = new EnergyStore({ perAddress: 1_000, now: () => nowMs });
let strokes = 0;
const bots = Array.from({ length: Number(values.bots) }, (_, index) => {
  const bot = new Bot(
    index + 1,
    {
      world,
      species: live.rules.cards.map(({ name, width, height }) => ({ name, width, height })),
      bodies: () => book.bodies,
      energy,
      nowMs: () => nowMs,
      send: async (by, stroke) => {
        const outcome = await live.queueStroke(by, stroke);
        if (outcome.ok && stroke.tool !== 'plant') {
          strokes++;
          await book.struck(stroke, outcome.organisms, nowMs);
        }
        return outcome;
      },
    },
    seededRandom(randomSeed * 1_000 + index),
  );
  return { play: bot.play(), dueMs: nowMs };
});

const endMs = nowMs + Number(values.hours) * 3_600_000;
const beganMs = performance.now();
for (let frames = 0; nowMs < endMs; frames++) {
  if (frames % LOOK_FRAMES === 0) book.look(LOOK_FRAMES / FRAMES_PER_SECOND);
  for (const bot of bots) while (bot.dueMs <= nowMs) bot.dueMs += Math.max(1, bot.play.next().value);
  await frame();
  for (const body of live.wilting.take() ?? []) await book.wilted(body, nowMs);
  if (frames % TELL_FRAMES === 0)
    console.error(
      `${Math.round(nowMs / 60_000)} min, ${(book.bodySeconds / 3_600).toFixed(1)} body-hours, ${strokes} strokes: ` +
        `${book.cases.length} wilted ${JSON.stringify(book.summary.bySpecies)}`,
    );
}
/** Bodies that are awake so many seconds after the last player's leaving, as `id species health`. */
const awakeAfter: Record<number, string[]> = {};
for (let seconds = 0; seconds <= QUIET_SECONDS; seconds++) {
  if (seconds % 10 === 0)
    awakeAfter[seconds] = Array.from(engine.awakeIds(), (id) => {
      const one = live.organisms.get(id);
      return `${id} ${one?.species} ${one?.health.toFixed(2)}`;
    });
  for (let frames = 0; frames < FRAMES_PER_SECOND; frames++) await frame();
}
const bodyHours = book.bodySeconds / 3_600;
const report = {
  hours: Number(values.hours),
  bots: bots.length,
  randomSeed,
  minutesTaken: Number(((performance.now() - beganMs) / 60_000).toFixed(1)),
  strokes,
  bodyHours: Number(bodyHours.toFixed(1)),
  wilted: book.cases.length,
  wiltedPer10BodyHours: Number(((10 * book.cases.length) / bodyHours).toFixed(2)),
  livingOverMatureMax: Number(book.livingOverMatureMax.toFixed(3)),
  ...book.summary,
  awakeAfter: Object.fromEntries(Object.entries(awakeAfter).map(([at, all]) => [at, all.length])),
  awakeLast: awakeAfter[QUIET_SECONDS],
  cases: book.cases,
};
if (values.json) console.log(JSON.stringify(report, undefined, 2));
else console.log(report);
engine.dispose();
process.exit();
