/** `/api/…`: the world for other programs. */
import type { ServerResponse } from 'node:http';
import { MAX_PNG_SIDE } from '../../shared/limits.ts';
import { isWhole } from '../../shared/numbers.ts';
import { Allowances } from '../allowances.ts';
import { NoAnswerError, type WorldLink } from '../world/messages.ts';
import { PictureRefusal, Pictures } from './pictures.ts';
import { replyBytes, replyJson } from './replies.ts';

/** Requests for organisms within this time get the same answer. */
const ORGANISMS_MS = 250;
/** Answers of `/api/organisms` to one address: a page asks every 15 s, and a school may have a hundred. */
const MAX_LISTS = 100;
const LISTS_PER_SECOND = 20;
const MAX_COORDINATE = 2 ** 31;

export class Api {
  readonly #world: WorldLink;
  readonly #pictures: Pictures;
  readonly #lists: Allowances;
  #organisms: { readonly atMs: number; readonly json: Promise<Buffer> } | null = null;

  constructor(world: WorldLink, framesPerSecond: number) {
    this.#world = world;
    const now = (): number => performance.now();
    this.#pictures = new Pictures({ world, frameMs: 1_000 / framesPerSecond, now });
    this.#lists = new Allowances({ most: MAX_LISTS, perSecond: LISTS_PER_SECOND, now });
  }

  /** @param address - of the client */
  async handle(url: URL, response: ServerResponse, address: string): Promise<void> {
    try {
      switch (url.pathname) {
        case '/api/world.png':
          return await this.#picture(url.searchParams, response, address);
        case '/api/organisms':
          return await this.#listOrganisms(address, response);
        default:
          return replyJson(response, 404, { error: `there is no ${url.pathname}` });
      }
    } catch (error) {
      if (error instanceof PictureRefusal) return refuse(response, error.status, error.message, error.waitMs);
      if (!(error instanceof NoAnswerError)) throw error;
      replyJson(response, 503, { error: error.message });
    }
  }

  /** Serialised once for everybody who asks within `ORGANISMS_MS`. */
  async #listOrganisms(address: string, response: ServerResponse): Promise<void> {
    const waitMs = this.#lists.take(address, 1);
    if (waitMs > 0) return refuse(response, 429, 'too many requests from this address', waitMs);
    const now = performance.now();
    if (this.#organisms === null || now - this.#organisms.atMs > ORGANISMS_MS) {
      const asked = this.#world.ask({ kind: 'organisms' });
      this.#organisms = { atMs: now, json: asked.then((all) => Buffer.from(JSON.stringify(all))) };
    }
    replyBytes(response, 200, await this.#organisms.json, 'application/json; charset=utf-8');
  }

  async #picture(query: URLSearchParams, response: ServerResponse, address: string): Promise<void> {
    const wrong: string[] = [];
    const integer = (name: string, min: number, max: number): number => {
      const text = query.get(name);
      const value = text !== null && /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
      if (!isWhole(value, min, max)) wrong.push(`${name} must be a whole number from ${min} to ${max}`);
      return value;
    };
    const x = integer('x', -MAX_COORDINATE, MAX_COORDINATE);
    const y = integer('y', -MAX_COORDINATE, MAX_COORDINATE);
    const width = integer('w', 1, MAX_PNG_SIDE);
    const height = integer('h', 1, MAX_PNG_SIDE);
    if (wrong.length > 0) return replyJson(response, 400, { error: wrong.join('; ') });
    const png = await this.#pictures.ask(
      { x, y, width, height },
      address,
      () => response.closed || response.writableEnded,
    );
    this.#pictures.holdUnsent(address, png.length, response);
    replyBytes(response, 200, png, 'image/png');
  }
}

function refuse(response: ServerResponse, status: number, error: string, waitMs: number): void {
  response.setHeader('Retry-After', String(Math.ceil(waitMs / 1_000)));
  replyJson(response, status, { error });
}
