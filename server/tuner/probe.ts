/** How the tuning goes, while it goes: what the admin watches. */

import type { EvaluationTarget } from '../evaluation/evaluate.ts';
import { meanOf } from '../evaluation/statistics.ts';
import type { Rule } from '../rules/rule.ts';
import { Patient } from './heal.ts';
import type { Blows } from './wounds.ts';

const PROBE = { wounds: 2, randomSeeds: 4 } as const;

/** A few of the wounds that are trained on, healed by the weights of now. */
export class Probe {
  readonly #patient: Patient;
  readonly #wounds: readonly Blows[];

  constructor(wounds: readonly Blows[], { target }: EvaluationTarget, rule: Rule, threads: number) {
    this.#wounds = wounds.slice(0, PROBE.wounds);
    const { randomSeeds } = PROBE;
    this.#patient = new Patient(target, rule.hidden, rule.fireRate, { randomSeeds, threads });
  }

  async measure(weights: Pick<Rule, 'w1' | 'b1' | 'w2' | 'b2'>): Promise<number> {
    const grown = await this.#patient.grow(weights);
    const recoveries: number[] = [];
    for (const blows of this.#wounds) {
      const last = await this.#patient.wound(blows);
      const hurt = await this.#patient.live(last, 0);
      const healed = await this.#patient.live(last, 200);
      hurt.forEach((post, slot) => {
        const recovery = (post - healed[slot]) / (post - grown[slot]);
        recoveries.push(Number.isFinite(recovery) ? recovery : 0);
      });
    }
    return meanOf(recoveries);
  }

  dispose(): Promise<void> {
    return this.#patient.dispose();
  }
}
