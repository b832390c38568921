/** `/api/…` and `/healthz`: the world for other programs. */
import type { ServerResponse } from 'node:http';
import { MAX_PNG_SIDE } from '../../shared/limits.ts';
import { isWhole } from '../../shared/numbers.ts';
import type { StatsMessage } from '../../shared/protocol.ts';
import { NoAnswerError, type OrganismSummary, type WorldLink } from '../world/messages.ts';
import { encodePng } from './png.ts';
import { replyJson } from './replies.ts';

/** Pictures made at the same time: each may hold 2 x 16 MiB. */
const MAX_PICTURES = 2;
/** Requests for organisms within this time get the same answer. */
const ORGANISMS_MS = 250;
/** When the world has sent nothing for this long, `/healthz` answers 503. */
const MAX_SILENCE_MS = 5_000;
const MAX_COORDINATE = 2 ** 31;

export class Api {
  readonly #world: WorldLink;
  readonly #players: () => number;
  readonly #startedMs = performance.now();
  #heardMs = performance.now();
  #stats: Omit<StatsMessage, 'players'> | null = null;
  #pictures = 0;
  #organisms: { readonly atMs: number; readonly answer: Promise<readonly OrganismSummary[]> } | null = null;

  constructor(world: WorldLink, players: () => number) {
    this.#world = world;
    this.#players = players;
  }

  /** Notes that the world has sent something. */
  heard(stats?: Omit<StatsMessage, 'players'>): void {
    this.#heardMs = performance.now();
    if (stats !== undefined) this.#stats = stats;
  }

  async handle(url: URL, response: ServerResponse): Promise<void> {
    try {
      switch (url.pathname) {
        case '/healthz':
          return this.#health(response);
        case '/api/world.png':
          return await this.#picture(url.searchParams, response);
        case '/api/organisms':
          return replyJson(response, 200, await this.#listOrganisms());
        default:
          return replyJson(response, 404, { error: `there is no ${url.pathname}` });
      }
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      replyJson(response, 503, { error: error.message });
    }
  }

  /** The status says whether the world steps; `ok`, whether everything is well. */
  #health(response: ServerResponse): void {
    const now = performance.now();
    const isSilent = now - this.#heardMs > MAX_SILENCE_MS;
    const trouble = isSilent ? 'the world has sent nothing for 5 s' : this.#world.trouble;
    replyJson(response, isSilent ? 503 : 200, {
      ok: trouble === null,
      trouble,
      players: this.#players(),
      step: this.#stats?.step ?? 0,
      stepsPerSecond: this.#stats?.stepsPerSecond ?? 0,
      uptimeSeconds: Math.floor((now - this.#startedMs) / 1_000),
    });
  }

  #listOrganisms(): Promise<readonly OrganismSummary[]> {
    const now = performance.now();
    if (this.#organisms === null || now - this.#organisms.atMs > ORGANISMS_MS) {
      this.#organisms = { atMs: now, answer: this.#world.ask({ kind: 'organisms' }) };
    }
    return this.#organisms.answer;
  }

  async #picture(query: URLSearchParams, response: ServerResponse): Promise<void> {
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
    if (this.#pictures >= MAX_PICTURES) {
      response.setHeader('Retry-After', '1');
      return replyJson(response, 503, { error: 'too many pictures at once' });
    }
    this.#pictures++;
    try {
      const pixels = await this.#world.ask({ kind: 'pixels', rect: { x, y, width, height } });
      const png = await encodePng(pixels, width, height);
      response.writeHead(200, {
        'Content-Type': 'image/png',
        'Content-Length': png.length,
        'Cache-Control': 'no-store',
      });
      response.end(png);
    } finally {
      this.#pictures--;
    }
  }
}
