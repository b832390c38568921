/**
 * Decodes and checks a client's messages. An honest client never sends what is refused here; what a player may get
 * wrong (a stroke outside the world, an empty budget) is answered later, with a reason.
 */
import { MAX_PACKED_CHARACTERS } from '../../shared/drawing/packed.ts';
import { pagesAcross, type Size, topLevel } from '../../shared/geometry.ts';
import { MAX_STROKE_POINTS, MAX_VIEWPORT_PAGES } from '../../shared/limits.ts';
import { isWhole } from '../../shared/numbers.ts';
import {
  type AckMessage,
  ClientMessageType,
  type CursorMessage,
  type InspectMessage,
  type KeyframesMessage,
  type NameMessage,
  type PingMessage,
  type PresenceMessage,
  REPORT_REASONS,
  type RemoveMessage,
  type ReportMessage,
  type RoomMessage,
  type StrokeMessage,
  type SubmitMessage,
  TOOLS,
  type ViewportMessage,
  type WithdrawMessage,
} from '../../shared/protocol.ts';
import { decodeMsgpack, MsgpackError } from './msgpack.ts';

export type ClientMessage =
  | { readonly type: 'viewport'; readonly message: ViewportMessage }
  | { readonly type: 'ack'; readonly message: AckMessage }
  | { readonly type: 'keyframes'; readonly message: KeyframesMessage }
  | { readonly type: 'stroke'; readonly message: StrokeMessage }
  | { readonly type: 'cursor'; readonly message: CursorMessage }
  | { readonly type: 'name'; readonly message: NameMessage }
  | { readonly type: 'inspect'; readonly message: InspectMessage }
  | { readonly type: 'ping'; readonly message: PingMessage }
  | { readonly type: 'presence'; readonly message: PresenceMessage }
  | { readonly type: 'remove'; readonly message: RemoveMessage }
  | { readonly type: 'room'; readonly message: RoomMessage }
  | { readonly type: 'report'; readonly message: ReportMessage }
  /** Only its form is known: the nursery tells the guest what is wrong with the drawing. */
  | {
      readonly type: 'submit';
      readonly message: Omit<SubmitMessage, 'isFree'> & { readonly isFree: boolean };
    }
  | { readonly type: 'withdraw'; readonly message: WithdrawMessage };

/** The message is not of the protocol. The text is for the client's author. */
export class MessageError extends Error {
  override name = 'MessageError';
}

/** A longer name is refused; a shorter one that is too long to show is cut. */
const MAX_NAME = 256;
const MAX_UINT16 = 0xffff;
const MAX_UINT32 = 0xffff_ffff;

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param type - from the message's header
 * @param payload - MessagePack
 * @throws MessageError
 */
export function readMessage(type: number, payload: Uint8Array, world: Size): ClientMessage {
  const fields = readFields(payload);
  switch (type) {
    case ClientMessageType.viewport:
      return { type: 'viewport', message: viewport(fields, world) };
    case ClientMessageType.ack:
      return { type: 'ack', message: { frame: integer(fields, 'frame', 0, MAX_UINT32) } };
    case ClientMessageType.keyframes:
      return { type: 'keyframes', message: keyframes(fields, world) };
    case ClientMessageType.stroke:
      return { type: 'stroke', message: stroke(fields) };
    case ClientMessageType.cursor:
      return { type: 'cursor', message: { at: place(fields) } };
    case ClientMessageType.name:
      return { type: 'name', message: { name: text(fields, 'name', MAX_NAME) } };
    case ClientMessageType.inspect:
      return { type: 'inspect', message: { at: place(fields) } };
    case ClientMessageType.remove:
      return { type: 'remove', message: { organism: integer(fields, 'organism', 1, MAX_UINT16) } };
    case ClientMessageType.ping:
      return { type: 'ping', message: { time: finite(fields, 'time') } };
    case ClientMessageType.presence:
      return { type: 'presence', message: { isHidden: truth(fields, 'isHidden') } };
    case ClientMessageType.room:
      return { type: 'room', message: { species: text(fields, 'species', MAX_NAME), at: cell(fields) } };
    case ClientMessageType.report:
      return { type: 'report', message: report(fields) };
    case ClientMessageType.submit:
      return { type: 'submit', message: submit(fields) };
    case ClientMessageType.withdraw:
      return { type: 'withdraw', message: { drawing: integer(fields, 'drawing', 1, MAX_UINT32) } };
    default:
      throw new MessageError(`there is no message ${type}`);
  }
}

function readFields(payload: Uint8Array): Fields {
  let value: unknown;
  try {
    value = decodeMsgpack(payload);
  } catch (error) {
    if (error instanceof MsgpackError) throw new MessageError(error.message);
    throw error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MessageError('the message is not an object');
  return value as Fields;
}

function viewport(fields: Fields, world: Size): ViewportMessage {
  const width = finite(fields, 'width');
  const height = finite(fields, 'height');
  if (width < 0 || height < 0) throw new MessageError('the viewport has a negative size');
  return {
    x: finite(fields, 'x'),
    y: finite(fields, 'y'),
    width,
    height,
    level: integer(fields, 'level', 0, topLevel(world)),
  };
}

function keyframes(fields: Fields, world: Size): KeyframesMessage {
  const level = integer(fields, 'level', 0, topLevel(world));
  const list = fields.pages;
  if (!Array.isArray(list)) throw new MessageError('pages is not a list');
  if (list.length > MAX_VIEWPORT_PAGES)
    throw new MessageError(`${list.length} pages at once, at most ${MAX_VIEWPORT_PAGES} are allowed`);
  const end = pagesAcross(world.width, level) * pagesAcross(world.height, level);
  if (!list.every((page) => isWhole(page, 0, end - 1))) throw new MessageError('a page is outside the world');
  return { level, pages: list };
}

/** Checks only the shape; `strokeFault` later tells the player why a stroke is refused. */
function stroke(fields: Fields): StrokeMessage {
  const tool = TOOLS.find((known) => known === fields.tool);
  if (tool === undefined) throw new MessageError('the stroke has an unknown tool');
  if (typeof fields.radius !== 'number') throw new MessageError('radius is not a number');
  const points = fields.points;
  if (!Array.isArray(points)) throw new MessageError('points is not a list');
  if (points.length > MAX_STROKE_POINTS * 2 || points.length % 2 !== 0)
    throw new MessageError(
      `points has ${points.length} numbers, expected an even count up to ${MAX_STROKE_POINTS * 2}`,
    );
  for (const value of points)
    if (typeof value !== 'number') throw new MessageError('a coordinate in points is not a number');
  const message = {
    id: integer(fields, 'id', 0, MAX_UINT32),
    tool,
    radius: fields.radius,
    points: points as number[],
  };
  if (fields.species === undefined || fields.species === null) return message;
  return { ...message, species: text(fields, 'species', MAX_NAME) };
}

function report(fields: Fields): ReportMessage {
  const about = fields.about;
  if (about !== 'body' && about !== 'name') throw new MessageError('the report is about nothing known');
  const reason = REPORT_REASONS[about].find((known) => known === fields.reason);
  if (reason === undefined) throw new MessageError('the report has an unknown reason');
  return about === 'body'
    ? { about, organism: integer(fields, 'organism', 1, MAX_UINT32), reason }
    : { about, player: text(fields, 'player', MAX_NAME), reason };
}

function submit(fields: Fields): Extract<ClientMessage, { type: 'submit' }>['message'] {
  return {
    name: text(fields, 'name', MAX_NAME),
    drawing: text(fields, 'drawing', MAX_PACKED_CHARACTERS),
    isFree: truth(fields, 'isFree'),
  };
}

function place(fields: Fields): readonly [number, number] | null {
  const at = fields.at;
  if (at === null) return null;
  if (!Array.isArray(at) || at.length !== 2 || !Number.isFinite(at[0]) || !Number.isFinite(at[1]))
    throw new MessageError('at is not a pair of numbers');
  return [at[0] as number, at[1] as number];
}

function cell(fields: Fields): readonly [number, number] {
  const at = place(fields);
  if (at === null || !at.every(Number.isSafeInteger))
    throw new MessageError('at is not a pair of whole numbers');
  return at;
}

function finite(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new MessageError(`${name} is not a number`);
  return value;
}

function integer(fields: Fields, name: string, min: number, max: number): number {
  const value = fields[name];
  if (!isWhole(value, min, max))
    throw new MessageError(`${name} is not a whole number from ${min} to ${max}`);
  return value;
}

function truth(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw new MessageError(`${name} is neither true nor false`);
  return value;
}

function text(fields: Fields, name: string, maxLength: number): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length > maxLength)
    throw new MessageError(`${name} is not a text of at most ${maxLength} characters`);
  return value;
}
