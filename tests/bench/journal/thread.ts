/** The server's simulation thread; where the journal is thrown away, a save still begins a segment. */
import { parentPort, workerData } from 'node:worker_threads';
import { WorldFiles } from '../../../server/world/worldFiles.ts';
import { nowMs } from '../fanout/messages.ts';

if ((workerData as { readonly throwsAway: boolean }).throwsAway) {
  WorldFiles.prototype.append = () => {};
  WorldFiles.prototype.flushed = async () => {};
}
const port = parentPort!;
const post = port.postMessage.bind(port);
port.postMessage = (message, transfer) =>
  post(message.type === 'frame' ? { ...message, closedMs: nowMs() } : message, transfer as never);
await import('../../../server/world/worker.ts');
