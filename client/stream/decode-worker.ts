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
// Thrown outside the promise it is the worker's error, which the page hears of.
codecLoaded.catch((error) =>
  setTimeout(() => {
    throw error;
  }),
);

scope.onmessage = async ({ data }) => {
  await codecLoaded; // messages stay in order: all wait for the same promise
  if (data.type === 'open')
    feed = new Feed(data.world, (message, transfer) => scope.postMessage(message, transfer));
  else feed?.handle(data);
};
