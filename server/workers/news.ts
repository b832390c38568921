/**
 * What the process of a far job says, for those who watch it: the newest message of each type, as a blob that is replaced
 * every few seconds. It is told late or not at all when the blob store fails, and nothing depends on it.
 */
import type { Blobs } from '../store/blobs.ts';

type Message = { readonly type: string };

/** Longest that is sent: progress and measurements have a few hundred bytes. */
const MAX_NEWS_BYTES = 64 * 1024;

/** A worker's side. */
export class News {
  readonly #blobs: Blobs;
  readonly #name: string;
  readonly #newest = new Map<string, Message>();
  #hasChanged = false;

  constructor(blobs: Blobs, name: string) {
    this.#blobs = blobs;
    this.#name = name;
  }

  add(message: Message): void {
    this.#newest.set(message.type, message);
    this.#hasChanged = true;
  }

  /** @throws StoreError */
  async send(): Promise<void> {
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    // Counted by the clock: a worker that takes the job over goes on above the numbers of the one before.
    const news = Buffer.from(JSON.stringify({ number: Date.now(), messages: [...this.#newest.values()] }));
    if (news.length <= MAX_NEWS_BYTES) await this.#blobs.put(this.#name, news);
  }
}

/** @returns number 0: there are none */
export async function readNews(
  blobs: Blobs,
  name: string,
): Promise<{ readonly number: number; readonly messages: readonly Message[] }> {
  try {
    const text = Buffer.from(await blobs.get(name, 0, MAX_NEWS_BYTES)).toString();
    const { number, messages } = JSON.parse(text) as { number: unknown; messages: unknown };
    if (typeof number === 'number' && Array.isArray(messages)) return { number, messages };
  } catch {
    // None yet, or the store fails: whoever asks for the job hears of that.
  }
  return { number: 0, messages: [] };
}
