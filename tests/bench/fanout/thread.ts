/** The simulation thread as the server starts it, and beside every frame the time at which it was closed. */
import { parentPort } from 'node:worker_threads';
import { nowMs } from './messages.ts';

const port = parentPort!;
const post = port.postMessage.bind(port);
port.postMessage = (message, transfer) =>
  post(message.type === 'frame' ? { ...message, closedMs: nowMs() } : message, transfer as never);
await import('../../../server/world/worker.ts');
