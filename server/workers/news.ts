/**
 * What the process of a far job says, for those who watch it: the newest message of each type, in a blob that is replaced
 * every few seconds; a long message, such as a film, has a blob of its own. And whether anybody watches, for the process:
 * a blob that changes while somebody does. All of it is told late or not at all when the blob store fails, and nothing
 * depends on it.
 */
import type { Blobs } from '../store/blobs.ts';

export type Message = { readonly type: string };

/** Messages that stand together have at most so many bytes: progress and measurements have a few hundred. */
const MAX_NEWS_BYTES = 128 * 1024;
/** A longer message has a blob of its own. */
const MAX_SHORT_BYTES = 4 * 1024;
/** A film of the largest drawing has 1.5 MB. */
const MAX_LONG_BYTES = 2 * 1024 * 1024;
/** Types that may be long; of a job, each leaves one blob. */
const MAX_TYPES = 16;

/** One in the blob. `number` goes up with each message of a job, whichever worker has it. */
interface Item {
  readonly number: number;
  readonly type: string;
  /** null: it has a blob of its own. */
  readonly message: Message | null;
}

const longOf = (name: string, type: string): string => `${name}-${type}`;
/** A type is part of a blob's name. */
const isType = (type: unknown): type is string => typeof type === 'string' && /^[a-zA-Z]{1,32}$/.test(type);

/** A worker's side. */
export class News {
  readonly #blobs: Blobs;
  readonly #name: string;
  /** By type, the oldest first. */
  readonly #items = new Map<string, Item>();
  /** Long messages that were not sent yet. */
  readonly #long = new Map<string, Buffer>();
  #hasChanged = false;
  #last = 0;

  constructor(blobs: Blobs, name: string) {
    this.#blobs = blobs;
    this.#name = name;
  }

  add(message: Message): void {
    const { type } = message;
    const bytes = Buffer.from(JSON.stringify(message));
    const isNew = !this.#items.has(type);
    if (bytes.length > MAX_LONG_BYTES || !isType(type) || (isNew && this.#items.size >= MAX_TYPES)) return;
    const isLong = bytes.length > MAX_SHORT_BYTES;
    if (isLong) this.#long.set(type, bytes);
    else this.#long.delete(type);
    // Counted by the clock: a worker that takes the job over goes on above the numbers of the one before.
    this.#last = Math.max(this.#last + 1, Date.now());
    this.#items.delete(type);
    this.#items.set(type, { number: this.#last, type, message: isLong ? null : message });
    this.#hasChanged = true;
  }

  /** @throws StoreError */
  async send(): Promise<void> {
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    try {
      // First, so that what is told of is there.
      for (const [type, bytes] of [...this.#long]) {
        await this.#blobs.put(longOf(this.#name, type), bytes);
        if (this.#long.get(type) === bytes) this.#long.delete(type);
      }
      const news = Buffer.from(JSON.stringify([...this.#items.values()]));
      if (news.length <= MAX_NEWS_BYTES) await this.#blobs.put(this.#name, news);
    } catch (error) {
      this.#hasChanged = true;
      throw error;
    }
  }
}

/** What a job's process has said after a number, the oldest first. */
export async function readNews(
  blobs: Blobs,
  name: string,
  after: number,
): Promise<{ readonly number: number; readonly message: Message }[]> {
  const news: { readonly number: number; readonly message: Message }[] = [];
  for (const { number, type, message } of await itemsOf(blobs, name)) {
    if (number <= after) continue;
    const whole = message ?? (await readJson<Message>(blobs, longOf(name, type), MAX_LONG_BYTES));
    if (whole?.type === type) news.push({ number, message: whole });
  }
  return news;
}

/** Removes all of it. @throws StoreError */
export async function removeNews(blobs: Blobs, name: string): Promise<void> {
  for (const { type, message } of await itemsOf(blobs, name))
    if (message === null) await blobs.remove(longOf(name, type));
  await blobs.remove(name);
}

/** None yet, or the store fails: whoever asks for the job hears of that. */
async function itemsOf(blobs: Blobs, name: string): Promise<Item[]> {
  const items = await readJson<Item[]>(blobs, name, MAX_NEWS_BYTES);
  return Array.isArray(items)
    ? items.filter((item) => typeof item?.number === 'number' && isType(item.type))
    : [];
}

async function readJson<T>(blobs: Blobs, name: string, maxBytes: number): Promise<T | null> {
  try {
    return JSON.parse(Buffer.from(await blobs.get(name, 0, maxBytes)).toString()) as T;
  } catch {
    return null;
  }
}

// --- whether anybody watches ---

/** While somebody watches, it is said again after this … */
export const WATCHED_AGAIN_MS = 10_000;
/** … and holds for this: an owner that dies says nothing any more. */
const WATCHED_MS = 30_000;
const MAX_WATCHED_BYTES = 64;

/** @throws StoreError */
export const sayWatched = (blobs: Blobs, name: string, isWatched: boolean): Promise<void> =>
  blobs.put(name, Buffer.from(isWatched ? `watched ${Date.now()}` : 'not watched'));

/** A worker's side. */
export class Watchers {
  readonly #blobs: Blobs;
  readonly #name: string;
  #said = '';
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(blobs: Blobs, name: string) {
    this.#blobs = blobs;
    this.#name = name;
  }

  /** Never rejects. @returns whether somebody watches, as was said in the last 30 s */
  async areThere(nowMs: number): Promise<boolean> {
    const said = await this.#blobs.get(this.#name, 0, MAX_WATCHED_BYTES).then(
      (bytes) => Buffer.from(bytes).toString(),
      () => this.#said,
    );
    if (said !== this.#said) this.#saidMs = nowMs;
    this.#said = said;
    return said.startsWith('watched') && nowMs - this.#saidMs < WATCHED_MS;
  }
}
