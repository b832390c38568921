/**
 * The record of a session: how many players came, what they did, and every wound with what became of it. One JSON file
 * per session, `<dataDir>/sessions/<id>.json`. Its wounds come last, one per line, so that the head can be read alone.
 * It does not say who a player was.
 */
import { readFileSync, statSync } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SessionEnd, SessionHead, SpeciesDamage } from '../../shared/adminApi.ts';
import { MAX_WORLD_CELLS } from '../../shared/geometry.ts';
import { MAX_BRUSH_RADIUS, MAX_STROKE_POINTS, MIN_BRUSH_RADIUS } from '../../shared/limits.ts';
import { type Blow, MAX_BLOWS, type Wound } from '../world/wound.ts';
import { FactError, Facts } from './facts.ts';

export const SESSION_FORMAT = 1;
/** Largest number of wounds in one record; further ones are only counted. */
export const MAX_WOUNDS = 20_000;
/** Largest number of coordinates in one record (about 14 MB of JSON); a wound beyond it is only counted. */
export const MAX_COORDINATES = 2_000_000;
/** Largest number of species in one record: more than an engine has slots for rules. */
export const MAX_SPECIES = 512;
/** A larger file is not a record: the bounds above allow 30 MB. */
export const MAX_RECORD_BYTES = 48 * 2 ** 20;

const SESSION_ENDS = ['empty', 'admin', 'shutdown', 'crash'] as const satisfies readonly SessionEnd[];

export interface SessionRecord extends SessionHead {
  /** In the order in which they closed; at most `MAX_WOUNDS`. */
  readonly wounds: readonly Wound[];
}

/** The file is not a session record: it was cut short or changed, has another format, or is something else. */
export class SessionRecordError extends Error {
  override name = 'SessionRecordError';
}

const MAX_COUNT = Number.MAX_SAFE_INTEGER;
const MAX_UINT32 = 0xffff_ffff;
/** A brush may reach beyond the world's edge. */
const MAX_COORDINATE = MAX_WORLD_CELLS + MAX_BRUSH_RADIUS;
export const SPECIES_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
export const RULE_NAME = /^[a-z0-9][a-z0-9-]{0,31}(@[1-9][0-9]{0,8})?$/;
const HEAD_FIELDS = [
  'format',
  'id',
  'beganAt',
  'endedAt',
  'endedBy',
  'players',
  'mostAtOnce',
  'strokes',
  'refusedStrokes?',
  'droppedWounds',
  'scratches?',
  'damage',
  'wounds',
];

export const sessionId = (beganAt: string): string => beganAt.replaceAll(':', '-');

/** In order of names. @param organisms - touched bodies per species */
export function damageOf(
  wounds: readonly Wound[],
  organisms: ReadonlyMap<string, number>,
): SessionRecord['damage'] {
  return [...organisms]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([species, count]) => {
      const own = wounds.filter((wound) => wound.species === species);
      const healed = own.filter(({ healedInSteps }) => healedInSteps !== null).length;
      return { species, organisms: count, wounds: own.length, healed };
    });
}

// --- checking ---

/** @throws FactError naming the first fact that is wrong */
export function checkSession(value: unknown): SessionRecord {
  const facts = new Facts(value, HEAD_FIELDS);
  const head = checkHead(facts);
  const wounds = facts.list('wounds', 0, MAX_WOUNDS, checkWound);
  checkTogether(head, wounds);
  return { ...head, wounds };
}

/** Checks facts that must agree with each other. */
function checkTogether({ damage }: SessionHead, wounds: readonly Wound[]): void {
  if (wounds.length > MAX_WOUNDS)
    throw new FactError(`wounds has ${wounds.length} entries, expected 0..${MAX_WOUNDS}`);
  const coordinates = wounds.reduce((sum, wound) => sum + coordinatesOf(wound), 0);
  if (coordinates > MAX_COORDINATES)
    throw new FactError(`wounds have ${coordinates} coordinates, expected at most ${MAX_COORDINATES}`);
  const said = new Map(damage.map((entry) => [entry.species, entry]));
  const organisms = new Map(damage.map((entry) => [entry.species, entry.organisms]));
  for (const { species } of wounds) if (!said.has(species)) throw new FactError(`damage lacks ${species}`);
  for (const counted of damageOf(wounds, organisms)) {
    const { species, wounds: count, healed } = said.get(counted.species)!;
    if (count !== counted.wounds || healed !== counted.healed)
      throw new FactError(
        `damage says ${count} wounds of ${species}, ${healed} healed; there are ${counted.wounds}, ${counted.healed}`,
      );
  }
}

function checkHead(facts: Facts): SessionHead {
  const format = facts.oneOf('format', [SESSION_FORMAT] as const);
  const beganAt = facts.time('beganAt');
  const endedAt = facts.time('endedAt');
  if (endedAt < beganAt) throw new FactError(`endedAt is ${endedAt}, before beganAt, ${beganAt}`);
  const id = facts.oneOf('id', [sessionId(beganAt)]);
  const players = facts.whole('players', 0, MAX_COUNT);
  const damage = facts.list('damage', 0, MAX_SPECIES, (entry, path): SpeciesDamage => {
    const one = new Facts(entry, ['species', 'organisms', 'wounds', 'healed'], path);
    const wounds = one.whole('wounds', 0, MAX_WOUNDS);
    return {
      species: one.text('species', SPECIES_NAME, 'a species'),
      organisms: one.whole('organisms', 1, MAX_COUNT),
      wounds,
      healed: one.whole('healed', 0, wounds),
    };
  });
  const names = new Set(damage.map(({ species }) => species));
  if (names.size !== damage.length) throw new FactError('damage names a species twice');
  return {
    format,
    id,
    beganAt,
    endedAt,
    endedBy: facts.oneOf('endedBy', SESSION_ENDS),
    players,
    mostAtOnce: facts.whole('mostAtOnce', 0, players),
    strokes: facts.whole('strokes', 0, MAX_COUNT),
    ...optionalCount(facts, 'refusedStrokes'),
    droppedWounds: facts.whole('droppedWounds', 0, MAX_COUNT),
    ...optionalCount(facts, 'scratches'),
    damage,
  };
}

const optionalCount = (facts: Facts, field: 'refusedStrokes' | 'scratches'): Partial<SessionHead> =>
  facts.has(field) ? { [field]: facts.whole(field, 0, MAX_COUNT) } : {};

/** @throws FactError */
export function checkWound(value: unknown, path: string): Wound {
  const fields = ['species', 'rule', 'blows', 'healthBefore', 'healthLeast', 'healthAfter', 'healedInSteps'];
  const facts = new Facts(value, fields, path);
  const blows = facts.list('blows', 1, MAX_BLOWS, checkBlow);
  for (const [i, { afterSteps }] of blows.entries()) {
    const least = i === 0 ? 0 : blows[i - 1].afterSteps;
    if (i === 0 ? afterSteps !== 0 : afterSteps < least)
      throw new FactError(
        `${path}.blows[${i}].afterSteps is ${afterSteps}, expected ${i === 0 ? 0 : `${least} or more`}`,
      );
  }
  const healthBefore = facts.number('healthBefore', 0, 1);
  const healthLeast = facts.number('healthLeast', 0, healthBefore);
  return {
    species: facts.text('species', SPECIES_NAME, 'a species'),
    rule: facts.text('rule', RULE_NAME, 'a rule like pikachu@4'),
    blows,
    healthBefore,
    healthLeast,
    healthAfter: facts.number('healthAfter', healthLeast, 1),
    healedInSteps: facts.isNull('healedInSteps') ? null : facts.whole('healedInSteps', 0, MAX_UINT32),
  };
}

/** @throws FactError */
export function checkBlow(value: unknown, path: string): Blow {
  const facts = new Facts(value, ['afterSteps', 'tool', 'radius', 'points'], path);
  const points = facts.wholes('points', 2, 2 * MAX_STROKE_POINTS, -MAX_COORDINATE, MAX_COORDINATE);
  if (points.length % 2 !== 0)
    throw new FactError(`${path}.points has ${points.length} entries, expected pairs`);
  return {
    afterSteps: facts.whole('afterSteps', 0, MAX_UINT32),
    tool: facts.oneOf('tool', ['ablate', 'noise', 'truncate'] as const),
    radius: facts.number('radius', MIN_BRUSH_RADIUS, MAX_BRUSH_RADIUS),
    points,
  };
}

export const coordinatesOf = ({ blows }: Wound): number =>
  blows.reduce((sum, { points }) => sum + points.length, 0);

// --- the file ---

/** Wounds follow, one per line; a head is read up to here. */
const WOUNDS = '"wounds":[';
/** A species takes at most 120 bytes of a head. */
const MAX_HEAD_BYTES = 65_536;
/** Wounds per write; between two writes the thread does other work. */
const WOUNDS_PER_WRITE = 200;

/** @throws SessionRecordError naming the file and the fact; Error when the file cannot be read */
export function readSession(file: string): SessionRecord {
  const { size } = statSync(file);
  if (size > MAX_RECORD_BYTES)
    throw new SessionRecordError(`${file} has ${size} bytes, a session record at most ${MAX_RECORD_BYTES}`);
  return named(file, () => checkSession(parse(readFileSync(file, 'utf8'))));
}

/**
 * Reads a record without its wounds: only the beginning of the file.
 *
 * @throws SessionRecordError naming the file and the fact; Error when the file cannot be read
 */
export async function readSessionHead(file: string): Promise<SessionHead> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_HEAD_BYTES), 0, MAX_HEAD_BYTES, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    const end = text.indexOf(WOUNDS);
    return named(file, () => {
      if (end < 0) throw new FactError(`wounds is missing, or not within the first ${MAX_HEAD_BYTES} bytes`);
      return checkHead(new Facts(parse(`${text.slice(0, end)}${WOUNDS}]}`), HEAD_FIELDS));
    });
  } finally {
    await handle.close();
  }
}

/**
 * Writes aside, flushes and renames, so a crash leaves no partial record. Makes the folder.
 *
 * @throws FactError when `readSession` would refuse the record; the old file stays
 */
export async function writeSession(file: string, record: SessionRecord): Promise<void> {
  const { wounds, ...head } = record;
  checkTogether(checkHead(new Facts({ ...head, wounds: [] }, HEAD_FIELDS)), wounds);
  await mkdir(dirname(file), { recursive: true });
  const aside = `${file}.tmp`;
  const handle = await open(aside, 'w');
  try {
    await handle.write(`${JSON.stringify(head).slice(0, -1)},\n${WOUNDS}`);
    for (let from = 0; from < wounds.length; from += WOUNDS_PER_WRITE) {
      const lines = wounds
        .slice(from, from + WOUNDS_PER_WRITE)
        .map((wound, i) => JSON.stringify(checkWound(wound, `wounds[${from + i}]`)));
      await handle.write(`${from === 0 ? '\n' : ',\n'}${lines.join(',\n')}`);
    }
    await handle.write('\n]}\n');
    await handle.sync();
  } catch (error) {
    await unlink(aside);
    throw error;
  } finally {
    await handle.close();
  }
  await rename(aside, file);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FactError(`not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 120)}`);
  }
}

function named<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FactError)) throw error;
    throw new SessionRecordError(`${file} is not a session record: ${error.message}`);
  }
}
