/** A player of a real server. */
import { Client, type Room } from '@colyseus/sdk';
import { ClientMessageType, ROOM_NAME, ServerMessageType, type StrokeMessage } from '../shared/protocol.ts';
import { until } from './serverProcess.ts';

const PLANT_MS = 60_000;

/** Joins, and hears every message without a handler of its own. */
export async function joinWorld(url: string): Promise<Room> {
  const room = await new Client(url).joinOrCreate(ROOM_NAME);
  room.reconnection.enabled = false;
  for (const type of Object.values(ServerMessageType)) room.onMessage(type, () => {});
  return room;
}

/** Resolves with the server's answer. */
export function stroke(room: Room, message: Omit<StrokeMessage, 'id'>): Promise<{ ok: boolean }> {
  const result = new Promise<{ ok: boolean }>((resolve) => {
    const off = room.onMessage(ServerMessageType.strokeResult, (answer: { ok: boolean }) => {
      off();
      resolve(answer);
    });
  });
  room.send(ClientMessageType.stroke, { id: 1, ...message });
  return result;
}

/** Plants a pikachu as soon as the world takes one: a world that lags takes none for a while. */
export const plant = (room: Room, x: number, y: number): Promise<true> =>
  until(
    `a pikachu at ${x}, ${y}`,
    async () => {
      const { ok } = await stroke(room, { tool: 'plant', species: 'pikachu', radius: 1, points: [x, y] });
      return ok || undefined;
    },
    PLANT_MS,
  );
