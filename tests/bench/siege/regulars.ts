/** Honest visitors who come again and again: what they ask for, how often they get it, and how long it takes. */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Size } from '../../../shared/geometry.ts';
import { LoadClient } from '../load/client.ts';
import { ADMIN_TOKEN } from '../load/server.ts';
import { Tally } from '../soak/tally.ts';
import { ADMIN_ADDRESS, NEWCOMER_ADDRESS, VISITOR_ADDRESS } from './addresses.ts';

/** Longest that a visitor waits before they give up. */
const MAX_ANSWER_MS = 10_000;

export interface Regular {
  readonly tries: number;
  readonly served: number;
  /** Of those served; null: none was. */
  readonly slowestMs: number | null;
  /** Of the others: a status, or why there was none. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** @returns why not; null: served */
type Visit = (signal: AbortSignal) => Promise<string | null>;

class Visitor {
  readonly #everyMs: number;
  readonly #visit: Visit;
  #tries = 0;
  #served = 0;
  #slowestMs: number | null = null;
  #refusals = new Tally();

  constructor(everyMs: number, visit: Visit) {
    this.#everyMs = everyMs;
    this.#visit = visit;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startMs = performance.now();
      const why = await this.#visit(AbortSignal.any([signal, AbortSignal.timeout(MAX_ANSWER_MS)])).catch(
        (error: NodeJS.ErrnoException) => error.code ?? error.message,
      );
      if (signal.aborted) return;
      this.#tries++;
      const ms = performance.now() - startMs;
      if (why === null) {
        this.#served++;
        this.#slowestMs = Math.max(this.#slowestMs ?? 0, ms);
      } else this.#refusals.add(why);
      await sleep(Math.max(0, this.#everyMs - ms), undefined, { signal }).catch(() => {});
    }
  }

  take(): Regular {
    const taken = {
      tries: this.#tries,
      served: this.#served,
      slowestMs: this.#slowestMs,
      refusals: this.#refusals.counts,
    };
    [this.#tries, this.#served, this.#slowestMs, this.#refusals] = [0, 0, null, new Tally()];
    return taken;
  }
}

interface Answer {
  readonly status: number;
  readonly cookie: string;
}

function ask(
  url: string,
  localAddress: string,
  signal: AbortSignal,
  body?: object,
  cookie = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      localAddress,
      signal,
      headers: {
        ...(body && { 'Content-Type': 'application/json' }),
        ...(cookie !== '' && { Cookie: cookie }),
      },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      response.on('error', reject);
      response.on('end', () => {
        const cookies = response.headers['set-cookie'] ?? [];
        resolve({ status: response.statusCode!, cookie: cookies[0]?.split(';')[0] ?? '' });
      });
      response.resume();
    });
    sent.end(body && JSON.stringify(body));
  });
}

const unless200 = ({ status }: Answer): string | null => (status === 200 ? null : String(status));

/**
 * @param url - of the world, with a slash at the end
 * @param asset - path of the client's largest file, without a slash at the beginning
 */
export function regularsOf(url: string, world: Size, asset: string): ReadonlyMap<string, Visitor> {
  const get =
    (path: string): Visit =>
    async (signal) =>
      unless200(await ask(url + path, VISITOR_ADDRESS, signal));
  const newcomer = new LoadClient(0, world, false, { x: world.width / 2, y: world.height / 2 }, () => {});
  newcomer.localAddress = NEWCOMER_ADDRESS;
  newcomer.onClose = () => {};
  newcomer.view = { width: 64, height: 64 };
  let cookie = '';
  return new Map([
    ['page', new Visitor(2_000, get(''))],
    ['asset', new Visitor(2_000, get(asset))],
    ['picture', new Visitor(2_000, get('api/world.png?x=384&y=384&w=256&h=256'))],
    [
      'join',
      new Visitor(4_000, async () => {
        await newcomer.join(url);
        await newcomer.leave();
        return null;
      }),
    ],
    [
      'admin',
      new Visitor(3_000, async (signal) => {
        const login = await ask(`${url}admin/api/login`, ADMIN_ADDRESS, signal, { token: ADMIN_TOKEN });
        if (login.status !== 200) return String(login.status);
        // The last login stays, for the admin's page; the one before ends.
        const last = cookie;
        cookie = login.cookie;
        if (last !== '') await ask(`${url}admin/api/logout`, ADMIN_ADDRESS, signal, {}, last).catch(() => {});
        return null;
      }),
    ],
    [
      'adminPage',
      new Visitor(2_000, async (signal) =>
        cookie === ''
          ? 'not logged in yet'
          : unless200(await ask(`${url}admin/api/live`, ADMIN_ADDRESS, signal, undefined, cookie)),
      ),
    ],
  ]);
}
