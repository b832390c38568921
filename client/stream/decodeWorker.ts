/** The entry of the decode worker: passes messages to `feed.ts` and its answers back. */
import { loadPageCodec, PAGE_CODEC_URL } from '../../shared/pageCodec.ts';
import { Feed } from './feed.ts';
import type { FromWorker, ToWorker } from './messages.ts';

// tsconfig has the types of a page's globals; these are the parts of a worker's that are used here.
const scope = self as unknown as {
  onmessage: (event: MessageEvent<ToWorker>) => void;
  postMessage(message: FromWorker, transfer: ArrayBuffer[]): void;
};

let feed: Feed | null = null;
const codecLoaded = WebAssembly.compileStreaming(fetch(PAGE_CODEC_URL)).then(loadPageCodec);

function handle(message: ToWorker): void {
  if (message.type === 'open')
    feed = new Feed(message.world, (reply, transfer) => scope.postMessage(reply, transfer));
  else feed?.handle(message);
}

/** An error that is thrown outside of any promise reaches `onerror` of the page's `Worker`. */
const die = (error: unknown): void => {
  setTimeout(() => {
    throw error;
  });
};

// All messages wait for the same promise, so they stay in order.
scope.onmessage = ({ data }) => void codecLoaded.then(() => handle(data)).catch(die);
