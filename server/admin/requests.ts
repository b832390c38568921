/** Reads and checks an admin's requests. A bad one is refused before anything is done. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Role } from '../../shared/adminPeople.ts';
import { isWhole } from '../../shared/numbers.ts';
import type { Actor } from '../rules/registry.ts';

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly actor: Actor;
  /** The variable part of the path. */
  readonly part: string;
}

/**
 * A path is what follows `/admin/api/`. `role` is the least that may ask: an owner may do what a moderator may. The
 * answer becomes JSON, unless the handler has replied by itself.
 */
export type Route = readonly [
  method: string,
  path: RegExp,
  role: Role,
  handler: (call: Call) => Promise<unknown>,
];

/** A request that is refused; `message` is for the admin to read. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * Browsers attach the cookie to requests that other sites trigger. Those are refused: here by what the browser says of
 * the site, and before, in `serve/server.ts`, by their Origin.
 *
 * @throws Refusal 403
 */
export function refuseForeign(request: IncomingMessage): void {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw new Refusal(403, 'another site may not ask for this');
}

/** Another site cannot send the types that routes expect without a CORS preflight. @returns the type, lower case @throws Refusal 415 */
export function expectType(request: IncomingMessage, ...types: readonly string[]): string {
  const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  if (!types.includes(type))
    throw new Refusal(415, `Content-Type is ${JSON.stringify(type)}, expected ${types.join(' or ')}`);
  return type;
}

/** @throws Refusal 413 as soon as the body is longer than `most`; reading stops there */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  const tooLong = (): Refusal => new Refusal(413, `more than ${most} bytes`, { Connection: 'close' });
  if (request.headers['content-encoding'] !== undefined)
    throw new Refusal(415, 'Content-Encoding is not supported');
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > most) throw tooLong();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

const MAX_JSON = 4_096;

/** Reads a body of at most 4 kB. @throws Refusal when it is longer, or not a JSON object */
export async function readJson(request: IncomingMessage): Promise<Fields> {
  expectType(request, 'application/json');
  const text = (await readBody(request, MAX_JSON)).toString('utf8');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Refusal(400, 'the body is not JSON');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal(400, 'the body is not a JSON object');
  return new Fields(body as Record<string, unknown>);
}

/** The fields of a request, each checked when it is read. */
export class Fields {
  readonly #body: Readonly<Record<string, unknown>>;

  constructor(body: Readonly<Record<string, unknown>>) {
    this.#body = body;
  }

  #own(name: string): unknown {
    return Object.hasOwn(this.#body, name) ? this.#body[name] : undefined;
  }

  has(name: string): boolean {
    return this.#own(name) !== undefined;
  }

  text(name: string, longest = 256): string {
    const value = this.#own(name);
    if (typeof value === 'string' && value.length <= longest) return value;
    throw new Refusal(400, `${name} must be a text of at most ${longest} characters`);
  }

  number(name: string, least: number, most: number): number {
    const value = this.#own(name);
    if (typeof value === 'number' && value >= least && value <= most) return value;
    throw new Refusal(400, `${name} must be a number from ${least} to ${most}`);
  }

  whole(name: string, least: number, most: number): number {
    const value = this.#own(name);
    if (isWhole(value, least, most)) return value;
    throw new Refusal(400, `${name} must be a whole number from ${least} to ${most}`);
  }

  flag(name: string): boolean {
    const value = this.#own(name);
    if (typeof value === 'boolean') return value;
    throw new Refusal(400, `${name} must be true or false`);
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const found = choices.find((choice) => choice === this.#own(name));
    if (found !== undefined) return found;
    throw new Refusal(400, `${name} must be one of ${choices.join(', ')}`);
  }
}
