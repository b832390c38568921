/** Metrics of the main thread's visitors: players, connections, bytes, strokes, refusals, requests. */
import { Counter, Histogram, type Registry } from 'prom-client';
import { ROUTE_NAMES, type RouteName } from '../http/requestWatch.ts';
import type { Tally } from '../tally.ts';
import { level, levels, type Sample, total, totals } from './define.ts';

const REQUEST_BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

export interface VisitorSources {
  readonly tally: Tally;
  /** Visits whose clients have acknowledged the JOIN; and those of them that nobody sees. */
  readonly visits: () => { readonly players: number; readonly hidden: number };
  /** TCP connections of the port. */
  readonly connections: () => number;
  /** Guests who are remembered. */
  readonly guests: () => number;
  /** Mutes and bans in force. */
  readonly sanctions: () => Iterable<{ readonly kind: string }>;
}

/** A request that was answered. */
export interface AnsweredRequest {
  readonly route: RouteName;
  readonly status: number;
  readonly seconds: number;
}

/** @returns a function that counts a request */
export function visitorMetrics(
  registry: Registry,
  sources: VisitorSources,
): (request: AnsweredRequest) => void {
  const { tally, visits, connections, guests, sanctions } = sources;
  const meaning = (name: string, help: string) => ({ name: `regrow_${name}`, help, registry });

  level(meaning('players', 'Visits whose clients have joined.'), () => visits().players);
  level(meaning('players_hidden', 'Visits in a tab that nobody sees.'), () => visits().hidden);
  connectionMetrics(registry, connections);
  level(meaning('guests_known', 'Guests who are remembered.'), guests);
  levels(meaning('sanctions', 'Mutes and bans in force.'), ['kind'], () => {
    const counts = { mute: 0, ban: 0 };
    for (const { kind } of sanctions()) counts[kind === 'ban' ? 'ban' : 'mute']++;
    return Object.entries(counts).map(([kind, count]): Sample => [{ kind }, count]);
  });

  const kinds = ['kind'];
  totals(meaning('sent_bytes_total', 'Bytes to viewers: frames, and all other messages.'), kinds, () => [
    [{ kind: 'frame' }, tally.frames.bytes],
    [{ kind: 'message' }, tally.messages.bytes],
  ]);
  totals(meaning('sent_messages_total', 'Messages to viewers: frames, and all others.'), kinds, () => [
    [{ kind: 'frame' }, tally.frames.count],
    [{ kind: 'message' }, tally.messages.count],
  ]);
  total(
    meaning('messages_dropped_total', 'Messages that were dropped because their client does not read.'),
    () => tally.dropped,
  );
  total(meaning('strokes_applied_total', 'Strokes and plantings that the world has applied.'), () => {
    return tally.strokesApplied;
  });
  refusalMetrics(registry, tally);
  return requestMetrics(registry);
}

/** @param connections - TCP connections of the port */
export function connectionMetrics(registry: Registry, connections: () => number): void {
  level({ name: 'regrow_connections', help: 'TCP connections to the port.', registry }, connections);
}

/** What was refused. */
export function refusalMetrics(registry: Registry, tally: Tally): void {
  totals(
    {
      name: 'regrow_refusals_total',
      help: 'What was refused: connections, handshakes, joins, strokes, and clients closed.',
      registry,
    },
    ['what', 'reason'],
    function* () {
      for (const { what, reason, count } of tally.refusals()) yield [{ what, reason }, count] as const;
    },
  );
}

/** Requests and how long they took. @returns a function that counts one */
export function requestMetrics(registry: Registry): (request: AnsweredRequest) => void {
  const requests = new Counter({
    name: 'regrow_http_requests_total',
    help: 'Requests that were answered.',
    labelNames: ['route', 'status'],
    registers: [registry],
  });
  // So that the first failure is an increase, and not a series that begins.
  for (const route of ROUTE_NAMES) requests.inc({ route, status: '500' }, 0);
  const seconds = new Histogram({
    name: 'regrow_http_request_seconds',
    help: 'From the head of a request to the last byte of its answer.',
    labelNames: ['route'],
    buckets: REQUEST_BUCKETS,
    registers: [registry],
  });
  return (request) => {
    requests.inc({ route: request.route, status: String(request.status) });
    seconds.observe({ route: request.route }, request.seconds);
  };
}
