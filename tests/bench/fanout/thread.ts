/** The server's simulation thread, which also posts the time at which each frame was closed. */
import { parentPort } from 'node:worker_threads';
import { nowMs } from './messages.ts';

const port = parentPort!;
const post = port.postMessage.bind(port);
port.postMessage = (message, transfer) =>
  post(message.type === 'frame' ? { ...message, closedMs: nowMs() } : message, transfer as never);
await import('../../../server/world/worker.ts');
