/**
 * What a server with several worlds answers for all of them: the list for the lobby and its pictures, health, metrics. No
 * answer waits for a world that does not answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LobbyWorld, LobbyWorlds, WorldState } from '../../shared/lobby.ts';
import type { Allowances } from '../allowances.ts';
import { replyJson, replyPicture, replyText } from '../http/replies.ts';
import { type Health, STATUS_PATHS, type Status } from '../http/status.ts';
import { type MetricsText, metricsTogether } from '../metrics/together.ts';
import type { AnsweredRequest } from '../metrics/visitorMetrics.ts';
import type { WorldLink } from '../world/messages.ts';
import type { Directory, Place } from './directory.ts';
import type { PortraitCopy } from './portrait.ts';

const LIST_PATH = '/api/worlds';
const PICTURE_PATH = /^\/api\/worlds\/([a-z0-9-]{1,32})\.png$/;
const NOT_REACHED = 'it has not been reached yet';
/** A world that takes longer to answer is left out. */
const MAX_WAIT_MS = 3_000;
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A world that has answered. `W` is what the port serves of it. */
export interface Reached<W> {
  readonly served: W;
  readonly status: Status;
  readonly portrait: PortraitCopy;
  readonly world: Pick<WorldLink, 'vitals' | 'trouble'>;
  readonly title: string;
  /** Its process has been asked to stop. */
  readonly isStopping: boolean;
  readonly players: number;
  /** Asks its process. @throws Error when it does not answer */
  metrics(): Promise<string>;
}

export interface LobbyPlace<W> extends Place {
  /** null: it has not answered yet. */
  readonly reached: Reached<W> | null;
}

export interface LobbyOptions<W> {
  readonly directory: Pick<Directory<LobbyPlace<W>>, 'all' | 'get'>;
  /** What a world is called that has not answered yet. */
  readonly titleOf: (name: string) => string;
  /** Lists and pictures that one address may ask for. */
  readonly allowances: Allowances;
  /** The server has been asked to stop. */
  readonly isStopping: () => boolean;
  /** The answer to `/version`, without engines. */
  readonly version: object;
  readonly answered: (request: AnsweredRequest) => void;
  /** @returns false: the request has been refused */
  readonly mayReadMetrics: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** What is counted here and is not of any one world. */
  readonly ownMetrics: () => Promise<MetricsText>;
}

export class Lobby<W> {
  readonly answered: (request: AnsweredRequest) => void;
  readonly #options: LobbyOptions<W>;

  constructor(options: LobbyOptions<W>) {
    this.#options = options;
    this.answered = options.answered;
  }

  get names(): readonly string[] {
    return this.#options.directory.all.map(([name]) => name);
  }

  get worlds(): W[] {
    return this.#reached.map(([, { served }]) => served);
  }

  /** @returns null: it has not been reached yet; undefined: there is no such world */
  find(name: string): W | null | undefined {
    const place = this.#options.directory.get(name);
    return place === undefined ? undefined : (place.reached?.served ?? null);
  }

  /** @param address - of the client @returns null: it is not the lobby's */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    address: string,
  ): Promise<void> | null {
    const { pathname } = url;
    if (pathname === LIST_PATH || PICTURE_PATH.test(pathname)) {
      const waitMs = this.#options.allowances.take(address, 1);
      if (waitMs > 0) refuseFor(response, waitMs);
      else if (pathname === LIST_PATH) replyJson(response, 200, this.list());
      else return this.#picture(PICTURE_PATH.exec(pathname)![1], url.searchParams, request, response);
      return Promise.resolve();
    }
    if (STATUS_PATHS.has(pathname)) {
      this.#status(pathname, response);
      return Promise.resolve();
    }
    return pathname === '/metrics' ? this.#metrics(request, response) : null;
  }

  /** As `/api/worlds` tells it. Worlds are asked for what is old, and not waited for. */
  list(): LobbyWorlds {
    return {
      worlds: this.#options.directory.all.map(([name, place]) => {
        // A world that does not answer keeps its last picture.
        if (place.isUp) place.reached?.portrait.refresh().catch(() => {});
        return this.#card(name, place);
      }),
    };
  }

  #card(name: string, { isUp, reached }: LobbyPlace<W>): LobbyWorld {
    if (reached === null)
      return {
        ...{ name, title: this.#options.titleOf(name), state: 'starting', players: 0 },
        ...{ bodies: null, growing: 0, health: null, picture: null },
      };
    const state = stateOf(isUp, reached);
    const { title, portrait, world } = reached;
    const { picture, health } = portrait;
    const counts = world.vitals?.bodies;
    return {
      ...{ name, title, state },
      players: state === 'resting' ? 0 : reached.players,
      bodies: counts ? counts.awake + counts.asleep + counts.dissolving + counts.waiting : null,
      growing: counts ? counts.dissolving + counts.waiting : 0,
      health,
      picture: picture === null ? null : `api/worlds/${name}.png?v=${picture.hash}`,
    };
  }

  async #picture(
    name: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const portrait = this.#options.directory.get(name)?.reached?.portrait;
    // Another relay of the same port may have given the address.
    if (portrait?.picture === null) await within(MAX_WAIT_MS, portrait.refresh());
    const picture = portrait?.picture ?? null;
    if (picture === null) {
      replyJson(response, 404, { error: `there is no picture of a world ${name}` });
      return;
    }
    replyPicture(request, response, Buffer.from(picture.png), picture.hash, query.get('v'));
  }

  /** The server is well while it serves one world; what is wrong with the others is told. */
  #status(path: string, response: ServerResponse): void {
    const { directory, isStopping, version } = this.#options;
    const ofWorlds = <T>(tell: (reached: Reached<W>) => T, other: T): Readonly<Record<string, T>> =>
      Object.fromEntries(
        directory.all.map(([name, { reached }]) => [name, reached === null ? other : tell(reached)]),
      );
    switch (path) {
      case '/version': {
        const engines = this.#reached.map(([name, { status }]) => [
          name,
          (status.version as { readonly engine?: string }).engine ?? '',
        ]);
        replyJson(response, 200, { ...version, engines: Object.fromEntries(engines) });
        return;
      }
      case '/livez':
        // A new start of this process would help no world.
        replyJson(response, 200, { ok: true, reason: null });
        return;
      case '/readyz': {
        type Readiness = Status['readiness'];
        const other: Readiness = { ok: false, reason: NOT_REACHED, disk: 'ok' };
        const worlds = ofWorlds<Readiness>(({ status }) => status.readiness, other);
        const isReady = !isStopping() && Object.values(worlds).some(({ ok }) => ok);
        const none = isStopping() ? 'the server is stopping' : 'no world answers';
        replyJson(response, isReady ? 200 : 503, { ok: isReady, reason: isReady ? null : none, worlds });
        return;
      }
      default: {
        type Shown = Pick<Health, 'ok' | 'trouble' | 'players'>;
        const other: Shown = { ok: false, trouble: NOT_REACHED, players: 0 };
        const worlds = ofWorlds<Shown>(({ status }) => status.health, other);
        const all = Object.values(worlds);
        const isAlive = this.#reached.some(([, { status }]) => status.isAlive);
        replyJson(response, isAlive ? 200 : 503, {
          ok: all.length > 0 && all.every(({ ok }) => ok),
          players: all.reduce((sum, { players }) => sum + players, 0),
          worlds,
        });
      }
    }
  }

  async #metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { directory, mayReadMetrics, ownMetrics } = this.#options;
    if (!mayReadMetrics(request, response)) return;
    const texts = directory.all.map(async ([world, { isUp, reached }]): Promise<MetricsText> => {
      const text = isUp && reached !== null ? await within(MAX_WAIT_MS, reached.metrics()) : null;
      // The one figure that says what is missing.
      return { labels: { world }, text: text ?? NOT_UP };
    });
    const all = await Promise.all([...texts, ownMetrics()]);
    replyText(response, 200, metricsTogether(all), METRICS_TYPE);
  }

  get #reached(): [string, Reached<W>][] {
    return this.#options.directory.all.flatMap(([name, { reached }]): [string, Reached<W>][] =>
      reached === null ? [] : [[name, reached]],
    );
  }
}

const NOT_UP = [
  '# HELP regrow_world_up 1 while the world sends something at least every 5 s.',
  '# TYPE regrow_world_up gauge',
  'regrow_world_up 0',
].join('\n');

function stateOf<W>(isUp: boolean, { status, world, isStopping }: Reached<W>): WorldState {
  if (!isUp || isStopping || !status.isAlive) return 'resting';
  if (world.trouble !== null) return 'troubled';
  return world.vitals?.stepsPerSecondSet === 0 ? 'paused' : 'awake';
}

function refuseFor(response: ServerResponse, waitMs: number): void {
  response.setHeader('Retry-After', String(Math.ceil(waitMs / 1_000)));
  replyJson(response, 429, { error: 'too many requests from this address' });
}

/** @returns null: it failed, or took longer */
async function within<T>(ms: number, asked: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  const answer = await Promise.race([asked.catch(() => null), late]);
  clearTimeout(timer);
  return answer;
}
