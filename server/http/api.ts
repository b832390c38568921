/** `/api/…`: the world for other programs. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MAX_PNG_SIDE } from '../../shared/limits.ts';
import { isWhole } from '../../shared/numbers.ts';
import { Allowances } from '../allowances.ts';
import { NoAnswerError, type WorldLink } from '../world/messages.ts';
import { Lists } from './lists.ts';
import { type PictureLimits, PictureRefusal, Pictures } from './pictures.ts';
import { replyBytes, replyJson, replyPicture } from './replies.ts';
import { pictureHash, pictureOf } from './speciesPictures.ts';

/** Answers of `/api/organisms` and `/api/census` to one address: a page asks every 15 s, a school may have a hundred. */
const MAX_LISTS = 100;
const LISTS_PER_SECOND = 20;
const SPECIES_PATH = /^\/api\/species\/([a-z0-9-]{1,32})\.png$/;
const MAX_COORDINATE = 2 ** 31;

export class Api {
  readonly #world: WorldLink;
  readonly #pictures: Pictures;
  readonly #lists: Lists;
  readonly #listed: Allowances;

  /** @param limits - of pictures; default: of this world alone */
  constructor(world: WorldLink, framesPerSecond: number, limits?: PictureLimits) {
    this.#world = world;
    const now = (): number => performance.now();
    this.#pictures = new Pictures({ world, frameMs: 1_000 / framesPerSecond, now, limits });
    this.#lists = new Lists(world, now);
    this.#listed = new Allowances({ most: MAX_LISTS, perSecond: LISTS_PER_SECOND, now });
  }

  /** @param address - of the client */
  async handle(url: URL, request: IncomingMessage, response: ServerResponse, address: string): Promise<void> {
    try {
      switch (url.pathname) {
        case '/api/world.png':
          return await this.#picture(url.searchParams, response, address);
        case '/api/organisms':
          if (!this.#mayList(address, response)) return;
          return await this.#lists.organisms(url.searchParams, response);
        case '/api/census':
          if (!this.#mayList(address, response)) return;
          return await this.#lists.census(request, response);
        default: {
          const name = SPECIES_PATH.exec(url.pathname)?.[1];
          if (name !== undefined) return this.#species(name, url.searchParams, request, response);
          return replyJson(response, 404, { error: `there is no ${url.pathname}` });
        }
      }
    } catch (error) {
      if (error instanceof PictureRefusal) return refuse(response, error.status, error.message, error.waitMs);
      if (!(error instanceof NoAnswerError)) throw error;
      replyJson(response, 503, { error: error.message });
    }
  }

  #species(name: string, query: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
    const one = this.#world.ready.species.find((species) => species.name === name);
    const png = one === undefined ? null : pictureOf(one);
    if (one === undefined || png === null) {
      replyJson(response, 404, { error: `there is no species ${name}` });
      return;
    }
    replyPicture(request, response, png, pictureHash(one), query.get('v'));
  }

  /** Otherwise it has been refused. */
  #mayList(address: string, response: ServerResponse): boolean {
    const waitMs = this.#listed.take(address, 1);
    if (waitMs > 0) refuse(response, 429, 'too many requests from this address', waitMs);
    return waitMs <= 0;
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
