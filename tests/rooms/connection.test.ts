/** Which messages leave a connection in one write. */
import { Writable } from 'node:stream';
import { type Client, ClientState } from '@colyseus/core';
import { expect, test } from 'vitest';
import { Connection, encodeMessage } from '../../server/rooms/connection.ts';
import { HEADROOM_BYTES } from '../../server/stream/deliver/composer.ts';
import { Tally } from '../../server/tally.ts';
import { ServerMessageType } from '../../shared/protocol.ts';

function setUp() {
  /** How many messages left in each write. */
  const writes: number[] = [];
  const wire = new Writable({
    write: (_chunk, _encoding, done) => {
      writes.push(1);
      done();
    },
    writev: (chunks, done) => {
      writes.push(chunks.length);
      done();
    },
  });
  const ref = { _socket: wire, extensions: '', readyState: 1, OPEN: 1 };
  const client = { sessionId: 'one', state: ClientState.JOINED, ref } as unknown as Client;
  const connection = new Connection(client, new Tally());
  const post = (): void => Connection.inOneWrite(() => void connection.postEncoded(players));
  const frame = (): void => connection.send(Buffer.alloc(HEADROOM_BYTES + 20));
  return { connection, writes, post, frame };
}

const players = encodeMessage(ServerMessageType.players, { full: false, players: [], left: [], strokes: [] });

test('a message to everybody leaves in one write with the frame that follows it, and alone without one', () => {
  const { connection, writes, post, frame } = setUp();
  Connection.inOneWrite(() => {
    connection.postEncoded(players);
    frame();
  });
  expect(writes).toEqual([2]);
  post();
  expect(writes).toEqual([2, 1]);
});

test('a patient connection gets messages to everybody with its next frame', () => {
  const { connection, writes, post, frame } = setUp();
  connection.isPatient = true;
  post();
  post();
  Connection.flushPatient();
  expect(writes).toEqual([]);
  frame();
  expect(writes).toEqual([3]);
  // What had waited is gone: nothing is left to flush.
  Connection.flushPatient();
  Connection.flushPatient();
  expect(writes).toEqual([3]);
});

test('a patient connection without frames waits for a bounded time', () => {
  const { connection, writes, post } = setUp();
  connection.isPatient = true;
  post();
  Connection.flushPatient();
  expect(writes).toEqual([]);
  Connection.flushPatient();
  expect(writes).toEqual([1]);
});

test('a message to one client leaves at once, with all that waited before it', () => {
  const { connection, writes, post } = setUp();
  connection.isPatient = true;
  post();
  connection.post(ServerMessageType.pong, { time: 1 });
  expect(writes).toEqual([2]);
  connection.post(ServerMessageType.pong, { time: 2 });
  expect(writes).toEqual([2, 1]);
});
