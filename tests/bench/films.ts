/** Films: frames as a server would publish them, recorded from the real engine, to measure and train the codec. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { importDistill } from '../../server/rules/distill.ts';
import { loadRules } from '../../server/rules/load.ts';
import type { Rule } from '../../server/rules/rule.ts';
import { PAGE_BYTES, PAGE_CELLS } from '../../shared/geometry.ts';
import { seededRandom } from '../engines/fixtures.ts';

/** 20 frames and 30 steps per second. */
const STEPS_PER_FRAME = 1.5;
const SIDE = 4 * PAGE_CELLS;
/** When a body has been untouched for half a minute. */
const GROWN_STEP = 1_000;

/** The Distill article's published rules, from a folder of its JSON files: those that last once grown. */
export const distillRules = (folder: string): Rule[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json') && !file.includes('growing'))
    .sort()
    .map((file) => importDistill(readFileSync(join(folder, file), 'utf8'), file.replace('.json', '')));

export const shippedRules = (folder = join(import.meta.dirname, '../../weights')): Rule[] =>
  loadRules(folder);

export const SCENES = ['growing', 'grown', 'damaged'] as const;
export type Scene = (typeof SCENES)[number];

/** True pixels of pages [64, 64, 4], by page index. */
export type Pages = ReadonlyMap<number, Uint8Array>;

export interface Film {
  readonly rule: string;
  readonly scene: Scene;
  /** Every page before the first frame. */
  readonly start: Pages;
  /** The pages that changed, by frame. */
  readonly frames: readonly Pages[];
}

export interface Shooting {
  readonly randomSeed: number;
  /** The seed cell, in a world of 256 x 256. */
  readonly x: number;
  readonly y: number;
  readonly frames: number;
  /** Wounds, each in a new copy of the grown body. */
  readonly wounds: number;
}

/** Films of one organism alone: from its seed, grown and quiet, and after each wound. */
export async function shoot(rule: Rule, { randomSeed, x, y, frames, wounds }: Shooting): Promise<Film[]> {
  const engine = await createWasmEngine({ width: SIDE, height: SIDE, randomSeed });
  engine.setRule(0, rule);
  const random = seededRandom(randomSeed);
  let ticks = 0;

  async function nextFrame(): Promise<Map<number, Uint8Array>> {
    ticks++;
    const steps = Math.floor(ticks * STEPS_PER_FRAME) - Math.floor((ticks - 1) * STEPS_PER_FRAME);
    await engine.step(steps);
    return changedPages();
  }
  async function changedPages(): Promise<Map<number, Uint8Array>> {
    const pages = new Map<number, Uint8Array>();
    await engine.visitChanged((page, rgba) => pages.set(page, rgba.slice()));
    return pages;
  }
  async function roll(scene: Scene, count = frames): Promise<Film> {
    const start = new Map<number, Uint8Array>();
    for (let page = 0; page < (SIDE / PAGE_CELLS) ** 2; page++) {
      const pixels = new Uint8Array(PAGE_BYTES);
      await engine.readPage(page, pixels);
      start.set(page, pixels);
    }
    await changedPages();
    // Edits from here on belong to the first frame.
    if (scene === 'growing') engine.plant(1, 0, x, y);
    if (scene === 'damaged') {
      const radius = 3 + random() * 8;
      const [x0, y0] = [x + (random() - 0.5) * 28, y + (random() - 0.5) * 28];
      const [dx, dy] = random() < 0.5 ? [0, 0] : [(random() - 0.5) * 24, (random() - 0.5) * 24];
      engine.perturb({ kind: 'ablate', x0, y0, x1: x0 + dx, y1: y0 + dy, radius });
    }
    const shot: Pages[] = [];
    for (let frame = 0; frame < count; frame++) shot.push(await nextFrame());
    return { rule: rule.name, scene, start, frames: shot };
  }

  const films = [await roll('growing', Math.max(frames, 100))];
  await engine.step(GROWN_STEP - engine.stepNumber);
  films.push(await roll('grown'));
  const grown = await engine.save();
  for (let wound = 0; wound < wounds; wound++) {
    await engine.restore(grown);
    films.push(await roll('damaged'));
  }
  engine.dispose();
  return films;
}
