/** The picture that a species must grow, as a PNG for the trainer; and a wound's healing as a strip of pictures. */
import { encode } from 'fast-png';
import { HEALING, HEALING_FILM_FRAMES } from '../../shared/adminApi.ts';
import { straightRgba8 } from '../../shared/straight.ts';
import { type EvaluationTarget, matureTarget, targetOf } from '../evaluation/evaluate.ts';
import type { Rule } from '../rules/rule.ts';
import { RuleError } from '../rules/rule.ts';
import { cellIndex } from '../training/kernel.ts';
import { forEachCell } from '../training/states.ts';
import type { Target, TargetSource } from '../training/target.ts';
import { Patient, pixelsOf } from './heal.ts';
import type { Blows } from './wounds.ts';

/** Empty cells that a body needs around it. */
const MIN_PADDING = 4;

export interface Picture {
  readonly png: Uint8Array;
  /** The source as the trainer takes it, without the file. */
  readonly source: Omit<TargetSource, 'image' | 'sprite'>;
  /** Names the picture, for people. */
  readonly label: string;
}

/**
 * The picture that the rule was trained on, if it is at hand; else what the rule itself grows, because a tuned rule
 * must look the same.
 *
 * @throws RuleError when the rule does not grow a body that fits its grid
 */
export async function pictureOf(rule: Rule): Promise<Picture> {
  const { label, target } = targetOf(rule) ?? (await matureTarget(rule));
  return { ...cropped(rule.name, target), label };
}

/** Cuts the same number of empty cells off every side, as many as possible: the seed stays in the middle. */
function cropped(name: string, { shape, rgba }: Target): Omit<Picture, 'label'> {
  let padding = Math.min(shape.width, shape.height) >> 1;
  let cells = 0;
  forEachCell(shape, (x, y, cell) => {
    if (rgba[cell * 4 + 3] * 255 < 0.5) return;
    cells++;
    padding = Math.min(padding, x, y, shape.width - 1 - x, shape.height - 1 - y);
  });
  if (cells === 0) throw new RuleError(`${name} grows nothing: there is no picture to tune it for`);
  if (padding < MIN_PADDING)
    throw new RuleError(`${name} fills the ${shape.width}x${shape.height} cells that it is trained on`);
  const [width, height] = [shape.width - 2 * padding, shape.height - 2 * padding];
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = cellIndex(shape, x + padding, y + padding) * 4;
      const to = (y * width + x) * 4;
      straightRgba8(rgba, from, data, to);
    }
  }
  const png = encode({ width, height, data, channels: 4, depth: 8 });
  return { png, source: { scale: 1, padding, crop: false } };
}

/**
 * Two rules heal the same wound side by side, the incumbent on the left; frames one below another.
 *
 * @returns a PNG of [HEALING_FILM_FRAMES * height, 2 * width]
 */
export async function filmHealing(
  rules: readonly [incumbent: Rule, candidate: Rule],
  { target }: EvaluationTarget,
  blows: Blows,
): Promise<Uint8Array> {
  const { width, height } = target.shape;
  const data = new Uint8Array(2 * width * HEALING_FILM_FRAMES * height * 4);
  for (const [side, rule] of rules.entries()) {
    const patient = new Patient(target, rule.hidden, rule.fireRate, { randomSeeds: 1, threads: 0 });
    const keep = (frame: number): void => {
      const pixels = pixelsOf(patient.state(0), target);
      for (let y = 0; y < height; y++) {
        const to = ((frame * height + y) * 2 * width + side * width) * 4; // data[frame, y, side, 0]
        data.set(pixels.subarray(y * width * 4, (y + 1) * width * 4), to);
      }
    };
    try {
      await patient.grow(rule);
      keep(0);
      let step = await patient.wound(blows);
      keep(1);
      for (let frame = 2; frame < HEALING_FILM_FRAMES; frame++, step += HEALING.stepsPerFrame) {
        await patient.live(step, HEALING.stepsPerFrame);
        keep(frame);
      }
    } finally {
      await patient.dispose();
    }
  }
  return encode({ width: 2 * width, height: HEALING_FILM_FRAMES * height, data, channels: 4, depth: 8 });
}
