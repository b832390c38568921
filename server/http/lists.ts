/** `/api/organisms` and `/api/census`: who lives in the world. Asked of the world once for all who ask at the same time. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isWhole } from '../../shared/numbers.ts';
import { NoAnswerError, type OrganismsQuery, type WorldLink } from '../world/messages.ts';
import { isHeld, replyBytes, replyJson } from './replies.ts';

/** Requests for the same organisms within this time get the same answer. */
const ORGANISMS_MS = 250;
/** Requests for the census within this time get the same answer: a page asks every 15 s. */
const CENSUS_MS = 1_000;
export const DEFAULT_ORGANISMS = 1_000;
export const MAX_ORGANISMS_LISTED = 5_000;
/** Different lists that are asked of the world at the same time, or kept. */
const MAX_KEPT = 32;
const MAX_ID = 65_535;
const MAX_CELL = 65_535;

interface OrganismList {
  readonly atMs: number;
  readonly answer: Promise<{ readonly json: Buffer; readonly next: number | null }>;
}

interface KeptCensus {
  readonly version: number;
  readonly bytes: Buffer;
}

export class Lists {
  readonly #world: WorldLink;
  readonly #now: () => number;
  /** By the query that it answers, oldest first. */
  readonly #lists = new Map<string, OrganismList>();
  #census: KeptCensus | null = null;
  #censusAsked: { readonly atMs: number; readonly answer: Promise<KeptCensus> } | null = null;
  /** Names this process: versions of another one mean other censuses. */
  readonly #epoch = Math.random().toString(36).slice(2, 10);

  constructor(world: WorldLink, now: () => number) {
    this.#world = world;
    this.#now = now;
  }

  /** @throws NoAnswerError without an answer of the world, or while too many different lists are asked for */
  async organisms(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const { wanted, faults } = readQuery(query);
    if (faults.length > 0) return replyJson(response, 400, { error: faults.join('; ') });
    const { json, next } = await this.#list(wanted);
    if (next !== null) {
      const rest = new URLSearchParams({ ...Object.fromEntries(query), after: String(next) });
      response.setHeader('Link', `<?${rest}>; rel="next"`);
    }
    replyBytes(response, 200, json, 'application/json; charset=utf-8');
  }

  #list(wanted: OrganismsQuery & { readonly limit: number }): OrganismList['answer'] {
    const key = JSON.stringify(wanted);
    const now = this.#now();
    const known = this.#lists.get(key);
    if (known !== undefined && now - known.atMs <= ORGANISMS_MS) return known.answer;
    for (const [other, { atMs }] of this.#lists) if (now - atMs > ORGANISMS_MS) this.#lists.delete(other);
    if (this.#lists.size >= MAX_KEPT)
      throw new NoAnswerError(`${MAX_KEPT} other lists of organisms are being asked for`);
    const answer = this.#ask(wanted);
    this.#lists.set(key, { atMs: now, answer });
    return answer;
  }

  async #ask(wanted: OrganismsQuery & { readonly limit: number }): OrganismList['answer'] {
    // One more tells whether there are more. What is asked for by distance has no next page.
    const isPaged = wanted.near === undefined;
    const limit = isPaged ? wanted.limit + 1 : wanted.limit;
    const found = await this.#world.ask({ kind: 'organisms', ...wanted, limit });
    const list = found.slice(0, wanted.limit);
    return {
      json: Buffer.from(JSON.stringify(list)),
      next: found.length > list.length ? list[list.length - 1].id : null,
    };
  }

  /** @throws NoAnswerError without an answer of the world */
  async census(request: Pick<IncomingMessage, 'headers'>, response: ServerResponse): Promise<void> {
    const now = this.#now();
    if (this.#censusAsked === null || now - this.#censusAsked.atMs > CENSUS_MS)
      this.#censusAsked = { atMs: now, answer: this.#askCensus() };
    const { version, bytes } = await this.#censusAsked.answer;
    if (isHeld(request, response, `"${this.#epoch}-${version}"`, 'no-cache')) return;
    replyBytes(response, 200, bytes, 'application/octet-stream', 'no-cache');
  }

  async #askCensus(): Promise<KeptCensus> {
    const newer = await this.#world.ask({ kind: 'census', known: this.#census?.version ?? null });
    if (newer !== null) {
      const { version, bytes } = newer;
      this.#census = { version, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    }
    // The world leaves out only what was known.
    return this.#census!;
  }
}

function readQuery(query: URLSearchParams): {
  readonly wanted: OrganismsQuery & { readonly limit: number };
  readonly faults: readonly string[];
} {
  const faults: string[] = [];
  const whole = (name: string, text: string | undefined, min: number, max: number): number => {
    const value = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!isWhole(value, min, max)) faults.push(`${name} must be a whole number from ${min} to ${max}`);
    return value;
  };
  const limit = whole('limit', query.get('limit') ?? String(DEFAULT_ORGANISMS), 1, MAX_ORGANISMS_LISTED);
  const species = query.get('species');
  const near = query.get('near');
  const after = query.get('after');
  if (near !== null && (after !== null || species !== null))
    faults.push('near goes without after and species');
  if (near !== null) {
    const [x, y, ...rest] = near.split(',');
    if (rest.length > 0) faults.push('near must be two numbers, x,y');
    const place = { x: whole("near's x", x, 0, MAX_CELL), y: whole("near's y", y, 0, MAX_CELL) };
    return { wanted: { limit, near: place }, faults };
  }
  return {
    wanted: {
      limit,
      ...(after !== null && { after: whole('after', after, 0, MAX_ID) }),
      ...(species !== null && { species }),
    },
    faults,
  };
}
