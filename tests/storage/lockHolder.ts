/** Locks the folder that it is given, says so, and holds it until it is killed. Refused: says why. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { lockFolder } from '../../server/storage/lock.ts';

const folder = isMainThread ? process.argv[2] : (workerData as string);
const say = (line: string): void => (parentPort === null ? console.log(line) : parentPort.postMessage(line));
try {
  lockFolder(folder, 'a test');
  say('held');
  setInterval(() => {}, 1000);
} catch (error) {
  say(`${(error as Error).name}: ${(error as Error).message}`);
}
