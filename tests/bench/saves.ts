/**
 * `npm run bench -- saves [--pages 4000] [--moving 8] [--stop-pages 8192] [--json]`: what a save costs a large world that
 * runs. Every page is dense and has changed since the last save, and no two are equal; `--moving` of them change in every
 * step. Measured are the steps per second and the longest pause between two frames, before and while all of it is saved.
 * Then the stop of a world of `--stop-pages` (0: none), saved before, of which 100 pages have changed since.
 *
 * 8,192 pages take 2.4 GB of memory.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Engine, PageState } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { CHANNELS } from '../../server/rules/rule.ts';
import { Turns } from '../../server/turns.ts';
import { PageCopies } from '../../server/world/pageCopies.ts';
import { Recorder } from '../../server/world/recorder.ts';
import { Saver } from '../../server/world/saver.ts';
import type { SaveOptions } from '../../server/world/saving.ts';
import { WorldFiles } from '../../server/world/worldFiles.ts';
import type { SavedMoment, WorldSave } from '../../server/world/worldSave.ts';
import { PAGE_CELLS } from '../../shared/geometry.ts';
import { seededRandom } from '../engines/fixtures.ts';
import { steadyRule } from './worlds.ts';

const PAGE = PAGE_CELLS * PAGE_CELLS;
const ACROSS = 64;
const [STILL, MOVING] = [1, 2];
const FRAME_MS = 50;
const STEPS_PER_SECOND = 30;
const REST_STEPS = 8;
const BEFORE_MS = 4_000;
const CHANGED_BEFORE_STOP = 100;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    pages: { type: 'string', default: '4000' },
    moving: { type: 'string', default: '8' },
    'stop-pages': { type: 'string', default: '8192' },
    json: { type: 'boolean', default: false },
  },
});
const [pages, moving, stopPages] = [values.pages, values.moving, values['stop-pages']].map(Number);
if (![pages, moving, stopPages].every((value) => Number.isInteger(value) && value >= 0 && value <= 16_384))
  throw new RangeError('--pages, --moving and --stop-pages are whole numbers up to 16,384');

/** Random cells, of which each page has others. */
function* densePages(count: number, movingCount: number): Generator<PageState> {
  const random = seededRandom(2);
  const noise = Float32Array.from({ length: PAGE * CHANNELS + count }, () => random());
  for (let page = 0; page < count; page++) {
    const cells = noise.slice(page, page + PAGE * CHANNELS);
    for (let cell = 0; cell < PAGE; cell++) cells[cell * CHANNELS + 3] = 1;
    yield { page, cells, owners: new Uint16Array(PAGE).fill(page < movingCount ? MOVING : STILL) };
  }
}

async function denseEngine(count: number, movingCount: number): Promise<Engine> {
  const size = { width: ACROSS * PAGE_CELLS, height: Math.ceil(count / ACROSS) * PAGE_CELLS };
  const engine = await createWasmEngine({ ...size, randomSeed: 1, maxPages: count + 1, rest: 1e-6 });
  const rule = steadyRule();
  engine.setRule(0, { ...rule, w2: new Float32Array(rule.w2.length) });
  engine.setRule(1, rule);
  const organisms = [
    { id: STILL, rule: 0 },
    { id: MOVING, rule: 1 },
  ];
  await engine.load({ stepNumber: 0, randomSeed: 1, organisms }, densePages(count, movingCount));
  return engine;
}

/** The simulation's loop, its journal and its saves, around an engine alone. */
class Running {
  readonly engine: Engine;
  readonly files: WorldFiles;
  readonly saver: Saver;
  /** When frames ended. */
  readonly frames: { readonly atMs: number; readonly step: number }[] = [];
  readonly #turns = new Turns();
  readonly #recorder: Recorder;
  readonly #unsaved = new Set<number>();

  constructor(engine: Engine, files: WorldFiles) {
    this.engine = engine;
    this.files = files;
    const log = { take: () => null, hasActs: false, isOverfull: false, lose() {}, start() {} };
    const clock = { now: () => performance.now(), sleep: (ms: number) => sleep(ms) };
    this.#recorder = new Recorder(log, files, clock);
    const world = { save: (options: SaveOptions) => this.save(options) };
    const [recorder, turns] = [this.#recorder, this.#turns];
    this.saver = new Saver({ world, store: files, recorder, clock, turns, pauseMs: 2 * FRAME_MS });
  }

  save({ canKeep, atMoment, ...rest }: SaveOptions): WorldSave {
    let moment: SavedMoment;
    const copies = new PageCopies(this.engine, {
      ...rest,
      isUnsaved: (page) => this.#unsaved.has(page) || !canKeep(page),
      noteUnsaved: (wanted) => {
        for (const page of wanted) this.#unsaved.add(page);
      },
      atMoment: ({ stepNumber, randomSeed }) => {
        const { width, height } = this.engine;
        const facts = { width, height, stepNumber, randomSeed, runSeconds: 0, nextId: 3, organisms: [] };
        const [kept, gone] = [copies.keptPages(), copies.gonePages()];
        moment = { facts, kept, gone, aside: [], ...atMoment() };
      },
    });
    return {
      changed: copies.read(),
      changedCount: () => copies.count,
      moment: () => moment,
      written: () => this.#unsaved.clear(),
    };
  }

  /** Frames of steps, until it is done. */
  async run(done: Promise<unknown>): Promise<void> {
    let isDone = false;
    void done.finally(() => {
      isDone = true;
    });
    let nextMs = performance.now();
    let owed = 0;
    while (!isDone) {
      owed += (STEPS_PER_SECOND * FRAME_MS) / 1_000;
      const steps = Math.floor(owed);
      owed -= steps;
      await this.#turns.take(() => this.engine.step(steps));
      this.frames.push({ atMs: performance.now(), step: this.engine.stepNumber });
      nextMs = Math.max(nextMs + FRAME_MS, performance.now() - FRAME_MS);
      await sleep(Math.max(0, nextMs - performance.now()));
    }
  }

  /** Of the frames since the last call. */
  figures(): { readonly seconds: number; readonly stepsPerSecond: number; readonly longestPauseMs: number } {
    const frames = this.frames.splice(0);
    const [first, last] = [frames[0], frames.at(-1)!];
    const seconds = (last.atMs - first.atMs) / 1_000;
    const pauses = frames.slice(1).map(({ atMs }, i) => atMs - frames[i].atMs);
    return {
      seconds,
      stepsPerSecond: (last.step - first.step) / seconds,
      longestPauseMs: Math.max(...pauses),
    };
  }
}

const folder = mkdtempSync(join(tmpdir(), 'regrow-saves-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

async function begin(count: number, movingCount: number, name: string): Promise<Running> {
  mkdirSync(join(folder, name));
  const files = await WorldFiles.open({
    folder: join(folder, name),
    durability: 'flush',
    log: console.error,
  });
  const engine = await denseEngine(count, movingCount);
  await files.begin('bench');
  // Cells that stand still come to rest.
  await engine.step(REST_STEPS);
  return new Running(engine, files);
}

async function whileRunning(): Promise<object> {
  const world = await begin(pages, moving, 'running');
  await world.run(sleep(1_000));
  world.figures();
  await world.run(sleep(BEFORE_MS));
  const before = world.figures();
  const saved = world.saver.save();
  await world.run(saved);
  await saved;
  const during = world.figures();
  await world.saver.saveLast();
  await world.files.close();
  world.engine.dispose();
  return {
    pages,
    moving,
    before,
    during,
    stepsPerSecondRatio: during.stepsPerSecond / before.stepsPerSecond,
  };
}

async function stopping(): Promise<object> {
  const world = await begin(stopPages, 0, 'stopping');
  await world.saver.save();
  for (let page = 0; page < CHANGED_BEFORE_STOP; page++) {
    const x = (page % ACROSS) * PAGE_CELLS + 30;
    const y = Math.floor(page / ACROSS) * PAGE_CELLS + 30;
    world.engine.perturb({ kind: 'ablate', x0: x, y0: y, x1: x, y1: y, radius: 5 });
  }
  await world.engine.step(1);
  const [beganMs, beganCpu] = [performance.now(), process.cpuUsage()];
  await world.saver.saveLast();
  await world.files.close();
  const { user, system } = process.cpuUsage(beganCpu);
  const stopMs = performance.now() - beganMs;
  world.engine.dispose();
  return { pages: stopPages, changed: CHANGED_BEFORE_STOP, stopMs, processorMs: (user + system) / 1_000 };
}

const report = {
  running: await whileRunning(),
  ...(stopPages > 0 && { stopping: await stopping() }),
};
if (values.json) console.log(JSON.stringify(report, undefined, 2));
else
  for (const [part, figures] of Object.entries(report))
    for (const [name, value] of Object.entries(figures))
      console.log(
        `${part} ${name}`.padEnd(32),
        typeof value === 'number' ? value.toFixed(1) : JSON.stringify(value),
      );
process.exit();
