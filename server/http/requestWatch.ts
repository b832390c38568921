/**
 * What becomes of each request: counted for the metrics, and told to the log under an id that the answer carries as
 * `X-Request-Id`. A proxy that is trusted may give the id; anybody else's is not believed.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What requests are for: each metric has one series per word. */
export const ROUTE_NAMES = ['page', 'api', 'matchmake', 'admin', 'health', 'metrics'] as const;
export type RouteName = (typeof ROUTE_NAMES)[number];

export interface Answered {
  readonly id: string;
  readonly method: string;
  /** Without what follows "?", which may hold secrets; at most 200 characters. */
  readonly path: string;
  readonly route: RouteName;
  /** 0: the client went away before the answer. */
  readonly status: number;
  readonly seconds: number;
}

const MAX_PATH = 200;
const ID_HEADER = 'X-Request-Id';

const ROUTES: readonly (readonly [RegExp, RouteName])[] = [
  [/^\/api(?:\/|$)/, 'api'],
  [/^\/matchmake(?:\/|$)/, 'matchmake'],
  [/^\/admin\/api(?:\/|$)/, 'admin'],
  [/^\/(?:healthz|livez|readyz|version)$/, 'health'],
  [/^\/metrics$/, 'metrics'],
];

const routeOf = (path: string): RouteName => ROUTES.find(([pattern]) => pattern.test(path))?.[1] ?? 'page';

/** The id of the request that is answered. */
export const requestIdOf = (response: ServerResponse): string => String(response.getHeader(ID_HEADER) ?? '');

/**
 * Watches a request to its end.
 *
 * @param id - as a trusted proxy gave it; null: a new one
 * @param path - under which the request is routed, without the query
 * @param done - called once
 * @returns the id
 */
export function watchRequest(
  request: IncomingMessage,
  response: ServerResponse,
  id: string | null,
  path: string,
  done: (answered: Answered) => void,
): string {
  const beganMs = performance.now();
  const own = id ?? randomUUID();
  response.setHeader(ID_HEADER, own);
  response.once('close', () => {
    done({
      id: own,
      method: request.method ?? '',
      path: path.slice(0, MAX_PATH),
      route: routeOf(path),
      status: response.headersSent ? response.statusCode : 0,
      seconds: (performance.now() - beganMs) / 1_000,
    });
  });
  return own;
}
