/** A drawing that a visitor wants grown: what they send, and how it is read. */
import { cutName, MAX_NAME_UNITS } from '../names.ts';
import { type Drawing, DrawingError } from './drawing.ts';
import { growthFaults } from './growth.ts';
import { unpackDrawing } from './packed.ts';

/** Who decides what is grown: nobody, for nothing is; an admin; everybody. */
export const NURSERY_MODES = ['off', 'approve', 'open'] as const;
export type NurseryMode = (typeof NURSERY_MODES)[number];

/** The message `submit`. As JSON or msgpack it is under 8,192 bytes. */
export interface SubmitMessage {
  /** What it is to be called; at most 24 characters, as people count them. */
  readonly name: string;
  /** `packDrawing` makes it. */
  readonly drawing: string;
  /** The guest says that it is their own, or free for all to use. */
  readonly isFree: true;
}

/** Answers `submit`. */
export interface SubmittedMessage {
  /** Why it was refused, for the player to read; null: it waits. */
  readonly reason: string | null;
  /** Drawings before it in the queue. */
  readonly before?: number;
  /** Estimated time until it is planted; absent: not known. */
  readonly waitSeconds?: number;
}

export interface Submission {
  readonly name: string;
  readonly drawing: Drawing;
}

/**
 * @param message - of any type
 * @throws DrawingError that says, for the guest to read, what is wrong with it
 */
export function readSubmission(message: unknown): Submission {
  const { name, drawing, isFree } = (
    typeof message === 'object' && message !== null ? message : {}
  ) as Partial<Record<keyof SubmitMessage, unknown>>;
  if (typeof name !== 'string') throw new DrawingError('A creature needs a name.');
  const nameWrong = creatureNameFault(name);
  if (nameWrong !== null) throw new DrawingError(nameWrong);
  if (typeof drawing !== 'string') throw new DrawingError('There is no drawing.');
  if (isFree !== true)
    throw new DrawingError('Only what is your own, or free for all to use, can grow here.');
  const unpacked = unpackDrawing(drawing);
  const stop = growthFaults(unpacked).find(({ stops }) => stops);
  if (stop !== undefined) throw new DrawingError(stop.text);
  return { name: cleanCreatureName(name), drawing: unpacked };
}

/** Letters and digits of any script, and what names are joined with. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} '’.-]*$/u;
/** Letters that show nothing, like the fillers of Hangul, and marks that only change how others are drawn. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/u;
/** A tower of marks covers the lines above and below. */
const TOWER = /\p{M}{4}/u;

/** @returns why a creature cannot have this name, for the guest to read; null: it can */
export function creatureNameFault(name: string): string | null {
  if (name.length > 2 * MAX_NAME_UNITS) return 'That name is too long.';
  const clean = cleanCreatureName(name);
  if (clean === '') return 'A creature needs a name.';
  if (cutName(clean) !== clean) return 'That name is too long: 24 characters fit.';
  if (!NAME.test(clean) || TOWER.test(clean) || UNSEEN.test(clean))
    return 'A name has letters and digits, and spaces, dots, hyphens or apostrophes between them.';
  return null;
}

/** Composed, without blanks at its ends, with one between words. */
export const cleanCreatureName = (name: string): string => name.normalize('NFC').replace(/\s+/gu, ' ').trim();
