/** The rival: a plain `ws` server that sends the same sizes at the same times to the same number of clients. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { answer, costs, nowMs, type RawCalls } from './messages.ts';

const clients: WebSocket[] = [];
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

answer<RawCalls>({
  async start() {
    // No compression, as in Colyseus.
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    server.on('connection', (socket) => clients.push(socket));
    await once(server, 'listening');
    return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
  },
  async play({ atMs, client, bytes }) {
    const largest = bytes.reduce((most, n) => Math.max(most, n), 0);
    const body = Buffer.alloc(largest, 7);
    const before = costs();
    const began = nowMs();
    for (let i = 0; i < atMs.length; ) {
      const due = atMs[i] - atMs[0];
      await pause(Math.max(0, due - (nowMs() - began)));
      for (; i < atMs.length && atMs[i] - atMs[0] <= due; i++)
        clients[client[i]].send(body.subarray(0, bytes[i]));
    }
    await pause(50);
    const after = costs();
    return {
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      mainThreadSeconds: after.mainThreadSeconds - before.mainThreadSeconds,
      rssBytes: after.rssBytes,
      seconds: (nowMs() - began) / 1_000,
    };
  },
});
