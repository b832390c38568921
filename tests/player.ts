/** A player of a real server. */
import { Client, type Room } from '@colyseus/sdk';
import { ClientMessageType, ROOM_NAME, ServerMessageType, type StrokeMessage } from '../shared/protocol.ts';

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
