/** A film of a rule: a body grows from its seed, is hurt, and heals. */
import { FILM } from '../../shared/nursery.ts';
import { straightRgba8 } from '../../shared/straight.ts';
import { openBodies } from '../evaluation/bodies.ts';
import { type Harmed, harm } from '../evaluation/suite.ts';
import { CHANNELS, type Rule } from '../rules/rule.ts';
import { cellIndex, type Weights } from '../training/kernel.ts';
import { LEARNING_PADDING } from '../training/learning.ts';
import type { Rollouts } from '../training/rollouts.ts';
import { plantSeed } from '../training/states.ts';
import type { Target } from '../training/target.ts';

/** Empty cells around the picture that are shown: a body may reach beyond it. */
export const SHOWN_MARGIN = 8;
const RANDOM_SEED = 7;
/** One film after another shows another wound. */
const WOUNDS = ['right', 'centre', 'top', 'scrub', 'left', 'truncate'] as const satisfies readonly Harmed[];

export interface Frames {
  readonly width: number;
  readonly height: number;
  /** [FILM.frames, height, width, 4] straight RGBA. */
  readonly rgba: Uint8Array;
}

export class FilmMaker {
  readonly #target: Target;
  readonly #bodies: Rollouts;
  #made = 0;

  /** @param rule - its weights are replaced by those that are filmed */
  constructor(rule: Rule, target: Target) {
    this.#target = target;
    this.#bodies = openBodies(rule, target, 1, 0);
  }

  async make(weights: Weights): Promise<Frames> {
    const { shape, width: pictureWidth, height: pictureHeight } = this.#target;
    const [width, height] = [pictureWidth + 2 * SHOWN_MARGIN, pictureHeight + 2 * SHOWN_MARGIN];
    const rgba = new Uint8Array(FILM.frames * width * height * 4);
    const state = this.#bodies.state(0);
    const keep = (frame: number): void => {
      const first = LEARNING_PADDING - SHOWN_MARGIN;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const cell = cellIndex(shape, x + first, y + first);
          straightRgba8(state, cell * CHANNELS, rgba, ((frame * height + y) * width + x) * 4);
        }
      }
    };
    this.#bodies.setWeights(weights);
    plantSeed(state, shape);
    let step = 0;
    const live = async (steps: number): Promise<void> => {
      await this.#bodies.run([{ steps, randomSeed: RANDOM_SEED, firstStep: step }]);
      step += steps;
    };
    for (let frame = 0; frame < FILM.growthFrames; frame++) {
      keep(frame);
      if (frame < FILM.growthFrames - 1) await live(FILM.stepsPerGrowthFrame);
    }
    harm(WOUNDS[this.#made++ % WOUNDS.length], state, this.#target, RANDOM_SEED);
    for (let frame = FILM.growthFrames; frame < FILM.frames; frame++) {
      keep(frame);
      if (frame < FILM.frames - 1) await live(FILM.stepsPerHealingFrame);
    }
    return { width, height, rgba };
  }

  dispose(): Promise<void> {
    return this.#bodies.dispose();
  }
}
