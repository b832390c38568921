/**
 * What an attempt has measured of each rule, piece by piece, kept in its folder: nothing is measured twice, and a process
 * that is stopped loses the running piece, which takes seconds.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type EvaluationTarget, evaluate } from '../evaluation/evaluate.ts';
import { runTrials, TRIALS, type Trial, type TrialFigures } from '../evaluation/trials.ts';
import { writeWhole } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import type { Suite, Trials } from './compare.ts';
import { type Healing, type HealingSamples, type HealOptions, healingOf, sampleHealing } from './heal.ts';
import { readJson } from './jsonFile.ts';
import type { Blows } from './wounds.ts';

/** Bodies are watched up to this step. `npm run rules -- evaluate` watches up to 10,000 and takes five times as long. */
const LAST_STEP = 2_000;
/** Random seeds of one piece of a trial: four bodies through forty strokes take some seconds. */
const SEEDS_OF_A_PIECE = 4;

/** Each of few wounds is dealt to more bodies: whether a rule heals better shows in the few that do not heal. */
const HURT_BODIES = 160;
const MAX_SEEDS_OF_A_WOUND = 48;

/** Whose measurements: of the three, `candidate` is another rule each time. */
export type Role = 'incumbent' | 'root' | 'candidate';

interface Pieces {
  /** The rule's (`keyOfWeights`). */
  readonly key: string;
  readonly heldOut?: HealingSamples;
  readonly suite?: Suite;
  readonly trials?: Partial<Readonly<Record<Trial, readonly TrialFigures[]>>>;
}

interface File {
  /** Names picture and number of random seeds: everything depends on them. */
  readonly setting: string;
  /** Names the held-out wounds, and the bodies that each is dealt to. */
  readonly wounds: string;
  readonly of: Partial<Readonly<Record<Role, Pieces>>>;
}

/** A rule to measure. */
export interface Subject {
  readonly role: Role;
  /** Names its weights. */
  readonly key: string;
  readonly rule: Rule;
}

export class Measurements {
  readonly #path: string;
  readonly #target: EvaluationTarget;
  readonly #wounds: readonly Blows[];
  readonly #options: HealOptions;
  readonly #healOptions: HealOptions;
  #file: File;

  /**
   * @param woundsKey - names the held-out wounds; what was measured on others is measured again
   * @param log - gets the name of a file that cannot be read: everything is measured again
   */
  constructor(
    path: string,
    target: EvaluationTarget,
    wounds: readonly Blows[],
    woundsKey: string,
    options: HealOptions,
    log: (text: string) => void,
  ) {
    this.#path = path;
    this.#target = target;
    this.#wounds = wounds;
    this.#options = options;
    const seedsOfAWound = Math.min(MAX_SEEDS_OF_A_WOUND, Math.ceil(HURT_BODIES / wounds.length));
    // Tests ask for few random seeds, and get no more.
    const isFew = options.randomSeeds < 16;
    const randomSeeds = isFew ? options.randomSeeds : Math.max(options.randomSeeds, seedsOfAWound);
    this.#healOptions = { ...options, randomSeeds };
    const setting = settingOf(target, options);
    const hurt = `${woundsKey} ${randomSeeds}`;
    const file = read(path, log);
    const of = file.setting === setting ? file.of : {};
    this.#file = { setting, wounds: hurt, of: file.wounds === hurt ? of : withoutHeldOut(of) };
  }

  /** What is known of a rule, also if it had another role: an incumbent was the candidate of the attempt before. */
  #of({ role, key }: Subject): Pieces {
    const { of } = this.#file;
    if (of[role]?.key === key) return of[role];
    return Object.values(of).find((pieces) => pieces.key === key) ?? { key };
  }

  #keep(subject: Subject, pieces: Partial<Pieces>): void {
    const own = { ...this.#of(subject), ...pieces };
    this.#file = { ...this.#file, of: { ...this.#file.of, [subject.role]: own } };
    // NaN (a body that died) is not JSON; as null it would pass for a number.
    writeWhole(
      this.#path,
      JSON.stringify(this.#file, (_, value) => (Number.isNaN(value) ? 'NaN' : value)),
    );
  }

  async heldOut(subject: Subject): Promise<Healing> {
    const samples = await sampleHealing(
      subject.rule,
      this.#target.target,
      this.#wounds,
      this.#healOptions,
      this.#of(subject).heldOut ?? null,
      (heldOut) => this.#keep(subject, { heldOut }),
    );
    return healingOf(samples);
  }

  async suite(subject: Subject): Promise<Suite> {
    const known = this.#of(subject).suite;
    if (known !== undefined) return known;
    const suite = await measureSuite(subject.rule, this.#target, { ...this.#options, lastStep: LAST_STEP });
    this.#keep(subject, { suite });
    return suite;
  }

  async trials(subject: Subject): Promise<Trials> {
    const { randomSeeds, threads } = this.#options;
    for (const trial of TRIALS) {
      for (let done = (this.#of(subject).trials?.[trial] ?? []).length; ; done++) {
        const left = randomSeeds - done * SEEDS_OF_A_PIECE;
        if (left <= 0) break;
        const piece = await runTrials(subject.rule, this.#target.target, {
          randomSeeds: Math.min(SEEDS_OF_A_PIECE, left),
          firstSeed: 1 + done * SEEDS_OF_A_PIECE,
          threads,
          only: [trial],
        });
        const { trials } = this.#of(subject);
        const own = [...(trials?.[trial] ?? []), piece[trial] as TrialFigures];
        this.#keep(subject, { trials: { ...trials, [trial]: own } });
      }
    }
    const { trials = {} } = this.#of(subject);
    return Object.fromEntries(TRIALS.map((trial) => [trial, together(trials[trial] ?? [])])) as Trials;
  }
}

export async function measureSuite(
  rule: Rule,
  target: EvaluationTarget,
  options: HealOptions & { readonly lastStep: number },
): Promise<Suite> {
  const { evaluation } = await evaluate(rule, target, options);
  const { samples, deaths, runaways } = evaluation;
  return { ...samples, deaths, runaways };
}

function together(pieces: readonly TrialFigures[]): TrialFigures {
  const sum = (of: (figures: TrialFigures) => number): number =>
    pieces.reduce((total, piece) => total + of(piece), 0);
  return {
    explosions: sum(({ explosions }) => explosions),
    runaways: sum(({ runaways }) => runaways),
    twoBodied: sum(({ twoBodied }) => twoBodied),
    badlyHealed: sum(({ badlyHealed }) => badlyHealed),
    health: pieces.flatMap(({ health }) => health),
  };
}

function settingOf({ target }: EvaluationTarget, { randomSeeds }: HealOptions): string {
  const { buffer, byteOffset, byteLength } = target.rgba;
  const hash = createHash('sha256').update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.update(String(randomSeeds)).digest('base64url').slice(0, 16);
}

const withoutHeldOut = (of: File['of']): File['of'] =>
  Object.fromEntries(Object.entries(of).map(([role, { heldOut: _, ...rest }]) => [role, rest]));

function read(path: string, log: (text: string) => void): File {
  const nothing = { setting: '', wounds: '', of: {} };
  if (!existsSync(path)) return nothing;
  try {
    const file = readJson(path, isFile);
    return JSON.parse(JSON.stringify(file), (_, value) => (value === 'NaN' ? Number.NaN : value));
  } catch (error) {
    log(`${(error as Error).message}: it is measured again`);
    return nothing;
  }
}

const isFile = (value: unknown): value is File =>
  typeof (value as Partial<File> | null)?.of === 'object' &&
  typeof (value as File).setting === 'string' &&
  typeof (value as File).wounds === 'string';
