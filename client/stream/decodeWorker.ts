/** The decode worker's entry: messages to the feed and back. The socket → pixel path runs through `feed.ts`. */
import { loadPageCodec, PAGE_CODEC_URL } from '../../shared/pageCodec.ts';
import { Feed } from './feed.ts';
import type { FromWorker, ToWorker } from './messages.ts';

// The page's own globals are in the types; only this much of a worker's is needed.
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

/** Thrown outside of any promise, an error is the worker's own, of which the page hears. */
const die = (error: unknown): void => {
  setTimeout(() => {
    throw error;
  });
};

// All wait for the same promise, so messages stay in order.
scope.onmessage = ({ data }) => void codecLoaded.then(() => handle(data)).catch(die);
