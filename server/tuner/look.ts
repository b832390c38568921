/**
 * A look at a rule in training: a small suite and some of the wounds that it learns from, each from four random seeds.
 * The held-out wounds have no part in it: they judge.
 */
import type { EvaluationTarget } from '../evaluation/evaluate.ts';
import { meanOf } from '../evaluation/statistics.ts';
import type { Rule } from '../rules/rule.ts';
import type { Weights } from '../training/kernel.ts';
import type { Look } from './attempt.ts';
import { lacksAtAGlance, type Measured } from './compare.ts';
import { healingOf, Patient, samplePatient } from './heal.ts';
import { measureSuite } from './measured.ts';
import type { Blows } from './wounds.ts';

const LOOKED_AT = { wounds: 12, randomSeeds: 4, lastStep: 1_000 } as const;

export class Looker {
  readonly #rule: Rule;
  readonly #target: EvaluationTarget;
  readonly #trained: readonly Blows[];
  #wounds: readonly Blows[] = [];
  readonly #threads: number;
  readonly #patient: Patient;
  #known: { readonly incumbent: Measured; readonly root: Measured } | null = null;

  /** @param rule - the incumbent */
  constructor(rule: Rule, target: EvaluationTarget, trained: readonly Blows[], threads: number) {
    this.#rule = rule;
    this.#target = target;
    this.#trained = trained;
    this.#threads = threads;
    const { randomSeeds } = LOOKED_AT;
    this.#patient = new Patient(target.target, rule.hidden, rule.fireRate, { randomSeeds, threads });
  }

  /**
   * Measures what later looks are compared with: they see the wounds that heal worst, and as many others.
   *
   * @param root - may be the incumbent itself
   * @returns the recovery of those wounds, and the error that each of all wounds leaves
   */
  async begin(root: Rule): Promise<{ readonly recovery: number; readonly errors: readonly number[] }> {
    const all = await samplePatient(this.#patient, this.#rule, this.#target.target, this.#trained);
    const errors = healingOf(all).byWound.map((error) => (Number.isFinite(error) ? error : 1));
    const order = [...errors.keys()].sort((a, b) => errors[b] - errors[a]);
    const worst = order.slice(0, LOOKED_AT.wounds / 2);
    const others = order.slice(worst.length);
    const every = Math.max(1, others.length / (LOOKED_AT.wounds / 2));
    const chosen = [
      ...worst,
      ...others.filter((_, i) => Math.floor(i / every) !== Math.floor((i - 1) / every)),
    ];
    this.#wounds = chosen.map((i) => this.#trained[i]);
    const incumbent = await this.#measure(this.#rule);
    this.#known = { incumbent, root: root === this.#rule ? incumbent : await this.#measure(root) };
    return { recovery: meanOf(incumbent.heldOut.recovery), errors };
  }

  async look(weights: Weights): Promise<Look & { readonly recovery: number }> {
    if (this.#known === null) throw new Error('nothing to compare with was measured');
    const after = await this.#measure({ ...this.#rule, ...weights });
    const { incumbent, root } = this.#known;
    return {
      lacks: lacksAtAGlance(incumbent, root, after),
      error: meanOf(after.heldOut.healed),
      recovery: meanOf(after.heldOut.recovery),
    };
  }

  async #measure(rule: Rule): Promise<Measured> {
    const { randomSeeds, lastStep } = LOOKED_AT;
    const samples = await samplePatient(this.#patient, rule, this.#target.target, this.#wounds);
    const suite = await measureSuite(rule, this.#target, { randomSeeds, lastStep, threads: this.#threads });
    return { heldOut: healingOf(samples), suite, trials: null };
  }

  dispose(): Promise<void> {
    return this.#patient.dispose();
  }
}
