/** How well the weights of a tuning in progress heal: the curve that the admin watches. */
import { HEALING } from '../../shared/adminApi.ts';
import type { EvaluationTarget } from '../evaluation/evaluate.ts';
import { meanOf } from '../evaluation/statistics.ts';
import type { Rule } from '../rules/rule.ts';
import { Patient, recoveriesOf } from './heal.ts';
import type { Blows } from './wounds.ts';

const CHECKED = { wounds: 2, randomSeeds: 4 } as const;

/** A few of the wounds that are trained on, healed by the present weights. */
export class SpotCheck {
  readonly #patient: Patient;
  readonly #wounds: readonly Blows[];

  constructor(wounds: readonly Blows[], { target }: EvaluationTarget, rule: Rule, threads: number) {
    this.#wounds = wounds.slice(0, CHECKED.wounds);
    const { randomSeeds } = CHECKED;
    this.#patient = new Patient(target, rule.hidden, rule.fireRate, { randomSeeds, threads });
  }

  /** @returns mean recovery; a body that is lost counts as 0 */
  async measure(weights: Pick<Rule, 'w1' | 'b1' | 'w2' | 'b2'>): Promise<number> {
    const grown = await this.#patient.grow(weights);
    const recoveries: number[] = [];
    for (const blows of this.#wounds) {
      const last = await this.#patient.wound(blows);
      const hurt = await this.#patient.live(last, 0);
      const healed = await this.#patient.live(last, HEALING.steps);
      recoveries.push(...recoveriesOf(grown, hurt, healed).map((one) => (Number.isFinite(one) ? one : 0)));
    }
    return meanOf(recoveries);
  }

  dispose(): Promise<void> {
    return this.#patient.dispose();
  }
}
