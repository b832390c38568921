/**
 * The wounds of each species over all sessions, in `<data>/tuner/wounds/<species>.json`: those that are learned from,
 * and those that judge, which are never learned from. Both are bounded; when a part is full, a new wound takes the place
 * of an older one that is drawn at random, so that old habits fade and are not forgotten at once. Written by the server
 * alone, each file by one rename.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../rules/load.ts';
import { RuleError } from '../rules/rule.ts';
import { SPECIES_NAME } from '../sessions/record.ts';
import type { Wound } from '../world/wound.ts';
import { readJson } from './jsonFile.ts';
import {
  coordinatesOf,
  differentWounds,
  isHeldOut,
  type KeptWound,
  MIN_WOUNDS,
  type Parts,
  randomSeedOf,
} from './wounds.ts';

/** More wounds teach nothing more, and a job must stay small. */
export const MAX_TRAINED = 160;
/** Each is measured from 16 random seeds: 48 take half a minute of one core. */
export const MAX_HELD_OUT = 48;
/** All wounds of a species together: about 700 kB of JSON. The thread that routes frames writes it. */
export const MAX_COORDINATES = 100_000;
/** New wounds per session and species that are looked at, evenly from the whole session. */
const MAX_OF_A_SESSION = 400;
/** Species whose wounds are kept; the one that was hurt longest ago goes first. */
export const MAX_SPECIES = 64;
/** Wounds that are gone are known by their keys, so that none changes from one part to the other. */
const MAX_KNOWN = 4_000;

interface SpeciesFile {
  readonly format: 1;
  readonly species: string;
  /** Number of different wounds so far, also of those that are gone. */
  readonly ever: number;
  readonly everHeldOut: number;
  /** `ever` when an attempt last took the wounds. */
  readonly taken: number;
  readonly trained: readonly KeptWound[];
  readonly heldOut: readonly KeptWound[];
  /** Keys of the newest wounds, and whether each judges. Oldest first. */
  readonly known: readonly (readonly [key: string, isHeldOut: boolean])[];
}

export interface Kept extends Parts {
  /** Different wounds since an attempt last took them, … */
  readonly fresh: number;
  /** … and how many are needed for the next one. */
  readonly needed: number;
}

export class WoundStore {
  readonly #folder: string;
  readonly #log: (line: string) => void;
  /** Counts of what the files hold, by species. */
  readonly #fresh = new Map<string, number>();

  /** @param log - gets the name of a file that cannot be read; its species begins again */
  constructor(dataDir: string, log: (line: string) => void) {
    this.#folder = join(dataDir, 'tuner', 'wounds');
    this.#log = log;
    for (const species of this.#list()) this.#fresh.set(species, freshOf(this.#read(species)));
  }

  #list(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((name) => name.endsWith('.json'))
        .map((name) => name.slice(0, -'.json'.length))
        .filter((species) => SPECIES_NAME.test(species))
        .sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return [];
    }
  }

  #path(species: string): string {
    return join(this.#folder, `${species}.json`);
  }

  #read(species: string): SpeciesFile {
    const nothing = {
      format: 1,
      species,
      ever: 0,
      everHeldOut: 0,
      taken: 0,
      trained: [],
      heldOut: [],
      known: [],
    } as const;
    if (!existsSync(this.#path(species))) return nothing;
    try {
      return readJson(this.#path(species), isSpeciesFile);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      this.#log(`${error.message}: the wounds of ${species} are gathered anew`);
      return nothing;
    }
  }

  #write(file: SpeciesFile): void {
    mkdirSync(this.#folder, { recursive: true });
    writeWhole(this.#path(file.species), JSON.stringify(file));
    this.#fresh.set(file.species, freshOf(file));
  }

  /** Joins a session's wounds of one species to those that are kept. @returns what is kept now */
  add(species: string, session: string, wounds: readonly Pick<Wound, 'blows'>[]): Kept {
    const before = this.#read(species);
    let { ever, everHeldOut } = before;
    const known = new Map(before.known);
    const trained = [...before.trained];
    const heldOut = [...before.heldOut];
    const every = Math.max(1, Math.ceil(wounds.length / MAX_OF_A_SESSION));
    for (const [key, blows] of differentWounds(wounds.filter((_, i) => i % every === 0))) {
      if (known.has(key) || coordinatesOf(blows) > MAX_COORDINATES / 10) continue;
      const isJudge = isHeldOut(ever, everHeldOut);
      known.set(key, isJudge);
      place(isJudge ? heldOut : trained, { session, blows }, isJudge ? MAX_HELD_OUT : MAX_TRAINED, key);
      ever++;
      if (isJudge) everHeldOut++;
    }
    if (ever > before.ever) {
      trim(trained, heldOut);
      const newest = [...known].slice(-MAX_KNOWN);
      this.#write({ ...before, ever, everHeldOut, trained, heldOut, known: newest });
      this.#forgetOldest(species);
    }
    return this.of(species);
  }

  of(species: string): Kept {
    const file = this.#read(species);
    return { trained: file.trained, heldOut: file.heldOut, fresh: freshOf(file), needed: MIN_WOUNDS };
  }

  /** An attempt has taken the wounds: only new ones are a reason for another. */
  taken(species: string): void {
    const file = this.#read(species);
    if (file.taken !== file.ever) this.#write({ ...file, taken: file.ever });
  }

  /** Species with some new wounds, but too few for an attempt. */
  get gathering(): readonly { readonly species: string; readonly wounds: number; readonly needed: number }[] {
    return [...this.#fresh]
      .filter(([, fresh]) => fresh > 0 && fresh < MIN_WOUNDS)
      .map(([species, wounds]) => ({ species, wounds, needed: MIN_WOUNDS }));
  }

  #forgetOldest(kept: string): void {
    const others = this.#list().filter((species) => species !== kept);
    if (others.length < MAX_SPECIES) return;
    const ages = others.map((species) => ({ species, at: statSync(this.#path(species)).mtimeMs }));
    for (const { species } of ages.sort((a, b) => a.at - b.at).slice(0, others.length - MAX_SPECIES + 1)) {
      rmSync(this.#path(species), { force: true });
      this.#fresh.delete(species);
      this.#log(`the wounds of ${species} are forgotten: ${MAX_SPECIES} species are kept`);
    }
  }
}

const freshOf = ({ ever, taken }: SpeciesFile): number => ever - taken;

/** The place in a full part is drawn by the wound's own key: it depends on nothing else. */
function place(part: KeptWound[], wound: KeptWound, most: number, key: string): void {
  if (part.length >= most) part.splice(randomSeedOf(key) % part.length, 1);
  part.push(wound);
}

/** Drops the oldest wounds until the rest is small enough: three of what is learned from for one that judges. */
function trim(trained: KeptWound[], heldOut: KeptWound[]): void {
  const size = (part: readonly KeptWound[]): number =>
    part.reduce((sum, { blows }) => sum + coordinatesOf(blows), 0);
  while (size(trained) + size(heldOut) > MAX_COORDINATES)
    (size(trained) >= 3 * size(heldOut) || heldOut.length <= 2 ? trained : heldOut).shift();
}

function isSpeciesFile(value: unknown): value is SpeciesFile {
  const file = value as Partial<SpeciesFile> | null;
  const isWound = (wound: KeptWound): boolean =>
    typeof wound?.session === 'string' && Array.isArray(wound.blows);
  return (
    typeof file === 'object' &&
    file !== null &&
    file.format === 1 &&
    typeof file.species === 'string' &&
    [file.ever, file.everHeldOut, file.taken].every(Number.isSafeInteger) &&
    [file.trained, file.heldOut].every((part) => Array.isArray(part) && part.every(isWound)) &&
    Array.isArray(file.known)
  );
}
