/**
 * How the server is, for programs that ask whether it is well: `/healthz`, `/livez`, `/readyz`, `/version`. Anybody may
 * ask, so no answer names a folder of this machine.
 */
import type { ServerResponse } from 'node:http';
import { loadText } from '../../shared/load.ts';
import type { StatsMessage } from '../../shared/protocol.ts';
import type { WorldLink } from '../world/messages.ts';
import { replyJson } from './replies.ts';

/** A world that has sent nothing for this long does not answer. */
const MAX_SILENCE_MS = 5_000;
/** After this much silence only a new start can help: longer than a lost GPU takes to be replaced. */
const MAX_DEAD_MS = 60_000;
const SILENT = 'the world has sent nothing for 5 s';

export const STATUS_PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version']);

/** The answer to `/healthz`. */
export interface Health {
  readonly ok: boolean;
  readonly trouble: string | null;
  /** How the steps fall behind; null: they do not. */
  readonly degraded: string | null;
  readonly players: number;
  readonly step: number;
  readonly stepsPerSecond: number;
  readonly uptimeSeconds: number;
}

export interface StatusOptions {
  readonly world: Pick<WorldLink, 'trouble'>;
  readonly players: () => number;
  /** The server has been asked to stop. */
  readonly isStopping: () => boolean;
  /** The answer to `/version`. */
  readonly version: object;
}

export class Status {
  readonly #options: StatusOptions;
  readonly #startedMs = performance.now();
  #heardMs = performance.now();
  #stats: Omit<StatsMessage, 'players'> | null = null;

  constructor(options: StatusOptions) {
    this.#options = options;
  }

  /** Notes that the world has sent something. */
  heard(stats?: Omit<StatsMessage, 'players'>): void {
    this.#heardMs = performance.now();
    if (stats !== undefined) this.#stats = stats;
  }

  /** Whether the world has sent something within 5 s. */
  get isAlive(): boolean {
    return this.#silentMs <= MAX_SILENCE_MS;
  }

  get #silentMs(): number {
    return performance.now() - this.#heardMs;
  }

  /** The answer to `/version`. */
  get version(): object {
    return this.#options.version;
  }

  /** @param path - one of `STATUS_PATHS` */
  answer(path: string, response: ServerResponse): void {
    switch (path) {
      case '/livez':
        this.#live(response);
        break;
      case '/readyz':
        replyJson(response, this.readiness.ok ? 200 : 503, this.readiness);
        break;
      case '/version':
        replyJson(response, 200, this.version);
        break;
      default:
        // The status says whether the world steps; `ok`, whether everything is well.
        replyJson(response, this.isAlive ? 200 : 503, this.health);
    }
  }

  /** What `/healthz` tells. */
  get health(): Health {
    const { world, players } = this.#options;
    const load = this.isAlive ? this.#stats?.load : undefined;
    const trouble = this.isAlive ? world.trouble : SILENT;
    return {
      ok: trouble === null,
      trouble,
      degraded: load === undefined ? null : loadText(load),
      players: players(),
      step: this.#stats?.step ?? 0,
      stepsPerSecond: this.#stats?.stepsPerSecond ?? 0,
      uptimeSeconds: Math.floor((performance.now() - this.#startedMs) / 1_000),
    };
  }

  /** Only a new start may help. A stop takes as long as the last save needs, and is not cut short. */
  get isDead(): boolean {
    return this.#silentMs > MAX_DEAD_MS && !this.#options.isStopping();
  }

  #live(response: ServerResponse): void {
    const { isDead } = this;
    replyJson(response, isDead ? 503 : 200, {
      ok: !isDead,
      reason: isDead ? `the world has sent nothing for ${MAX_DEAD_MS / 1_000} s` : null,
    });
  }

  /** What `/readyz` tells: nobody is sent where it is not ok. A disk that is full is told, but another server would not help. */
  get readiness(): { readonly ok: boolean; readonly reason: string | null; readonly disk: string } {
    const { isStopping, world } = this.#options;
    const reason = isStopping() ? 'the server is stopping' : this.isAlive ? null : SILENT;
    return { ok: reason === null, reason, disk: world.trouble ?? 'ok' };
  }
}
