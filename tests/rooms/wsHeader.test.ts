import type { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import * as ws from 'ws';
import { MAX_HEADER_BYTES, putHeader } from '../../server/rooms/wsHeader.ts';

/** Not in the types of `ws`. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

test.each([0, 1, 125, 126, 65_535, 65_536, 300_000])(
  '`ws` reads a message of %i bytes behind the header',
  (length) => {
    const bytes = Buffer.alloc(MAX_HEADER_BYTES + length, 7);
    const from = putHeader(bytes, MAX_HEADER_BYTES);
    const heard: [Buffer, boolean][] = [];
    const receiver = new Receiver({ isServer: false });
    receiver.on('message', (message, isBinary) => heard.push([message, isBinary]));
    receiver.on('error', (error) => {
      throw error;
    });
    receiver.write(bytes.subarray(from));
    expect(heard).toEqual([[bytes.subarray(MAX_HEADER_BYTES), true]]);
  },
);
