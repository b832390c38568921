/** What happened to each body since it was whole, and what is told of those that wilt. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { healthRect } from '../../../server/world/likeness.ts';
import { matureCells, TERRITORY_MARGIN } from '../../../server/world/mature.ts';
import { type Organism, WHOLE } from '../../../server/world/organism.ts';
import type { WiltedBody } from '../../../server/world/wilting.ts';
import type { World } from '../../../server/world/world.ts';
import type { StrokeMessage } from '../../../shared/protocol.ts';
import type { Seen } from '../soak/player.ts';

/** Strokes that are remembered of a body; the oldest go first. */
const MAX_BLOWS = 24;

interface Blow {
  readonly atMs: number;
  readonly tool: StrokeMessage['tool'];
  readonly radius: number;
  /** 0..1, and owned cells in parts of the mature form's, just after it. */
  readonly health: number;
  readonly left: number;
  readonly picture: Picture | null;
}

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Float32Array;
}

export interface Case {
  readonly species: string;
  readonly cause: string;
  readonly atSeconds: number;
  readonly health: number;
  readonly size: number;
  /** Messages of strokes since it was whole. */
  readonly blows: number;
  readonly tools: Record<string, number>;
  /** The least that was left of it since it was whole, in parts of its mature form, and what the last stroke left. */
  readonly least: number;
  readonly last: number;
  readonly sinceLastSeconds: number;
}

export class CaseBook {
  readonly #world: World;
  readonly #folder: string | undefined;
  readonly #blows = new Map<number, Blow[]>();
  readonly cases: Case[] = [];
  /** As the bots see them: a look ago. */
  bodies: readonly Seen[] = [];
  bodySeconds = 0;
  livingOverMatureMax = 0;

  /** @param folder - for pictures; undefined: none */
  constructor(world: World, folder: string | undefined) {
    this.#world = world;
    this.#folder = folder;
  }

  look(seconds: number): void {
    const alive = [...this.#world.organisms].filter(({ absence }) => absence === null);
    this.bodies = alive.map(({ species, x, y }) => ({ species, x, y }));
    this.bodySeconds += seconds * alive.length;
    let [cells, mature] = [0, 0];
    for (const one of alive) {
      cells += one.cells;
      mature += this.#sizeOf(one);
      if (one.health >= WHOLE) this.#blows.delete(one.id);
    }
    this.livingOverMatureMax = Math.max(this.livingOverMatureMax, cells / mature);
  }

  async struck(stroke: StrokeMessage, organisms: readonly number[], atMs: number): Promise<void> {
    for (const id of organisms) {
      const one = this.#world.organisms.get(id);
      if (one === undefined || one.absence !== null) continue;
      const known = this.#blows.get(id) ?? [];
      const picture = await this.#pictureOf(one);
      const left = picture === null ? Number.NaN : livingIn(picture) / this.#sizeOf(one);
      known.push({ atMs, tool: stroke.tool, radius: stroke.radius, health: one.health, left, picture });
      this.#blows.set(id, known.slice(-MAX_BLOWS));
    }
  }

  async wilted({ organism: id, species, cause }: WiltedBody, atMs: number): Promise<void> {
    const one = this.#world.organisms.get(id);
    if (one === undefined) return;
    const blows = this.#blows.get(id) ?? [];
    this.#blows.delete(id);
    const tools: Record<string, number> = {};
    for (const { tool } of blows) tools[tool] = (tools[tool] ?? 0) + 1;
    const least = Math.min(...blows.map(({ left }) => left));
    const last = blows.at(-1);
    this.cases.push({
      species,
      cause,
      atSeconds: Math.round(atMs / 1_000),
      health: rounded(one.health),
      size: rounded(one.cells / this.#sizeOf(one)),
      blows: blows.length,
      tools,
      least: rounded(least),
      last: rounded(last?.left ?? Number.NaN),
      sinceLastSeconds: Math.round((atMs - (last?.atMs ?? Number.NaN)) / 1_000),
    });
    const end = await this.#pictureOf(one);
    if (this.#folder === undefined || end === null) return;
    const pictures = [...blows.flatMap(({ picture }) => picture ?? []), end];
    const name = `${String(this.cases.length).padStart(3, '0')}-${species}-${cause.replaceAll(' ', '-')}.png`;
    writeFileSync(join(this.#folder, name), stripOf(pictures));
  }

  get summary() {
    const count = (of: (one: Case) => string): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const one of this.cases) counts[of(one)] = (counts[of(one)] ?? 0) + 1;
      return counts;
    };
    return { bySpecies: count(({ species }) => species), byCause: count(({ cause }) => cause) };
  }

  #sizeOf({ slot }: Organism): number {
    return matureCells(this.#world.rules.at(slot).mature);
  }

  async #pictureOf({ id, x, y, slot }: Organism): Promise<Picture | null> {
    if (this.#folder === undefined) return null;
    const { mature } = this.#world.rules.at(slot);
    const rect = healthRect(mature, x, y, TERRITORY_MARGIN);
    const rgba = new Float32Array(rect.width * rect.height * 4);
    await this.#world.engine.readOrganism(id, rect, rgba);
    return { width: rect.width, height: rect.height, rgba };
  }
}

const rounded = (value: number): number => Number(value.toFixed(2));

function livingIn({ rgba }: Picture): number {
  let living = 0;
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] > 0.1) living++;
  return living;
}

const WHITE = 255;

/** Side by side on white, twice as large. */
function stripOf(pictures: readonly Picture[]): Uint8Array {
  const [{ height }] = pictures;
  const width = pictures.reduce((sum, one) => sum + one.width + 2, 0);
  const data = new Uint8Array(width * 2 * height * 2 * 3).fill(WHITE);
  let left = 0;
  for (const one of pictures) {
    for (let y = 0; y < one.height * 2; y++)
      for (let x = 0; x < one.width * 2; x++) {
        const from = ((y >> 1) * one.width + (x >> 1)) * 4;
        const alpha = Math.min(1, Math.max(0, one.rgba[from + 3]));
        for (let c = 0; c < 3; c++) {
          const value = Math.min(1, Math.max(0, one.rgba[from + c])) + 1 - alpha;
          data[(y * width * 2 + left * 2 + x) * 3 + c] = Math.min(WHITE, value * WHITE);
        }
      }
    left += one.width + 2;
    if (left < width) for (let y = 0; y < height * 2; y++) data[(y * width * 2 + left * 2 - 2) * 3] = 0;
  }
  return encode({ width: width * 2, height: height * 2, data, channels: 3, depth: 8 });
}
