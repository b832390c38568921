/**
 * `/metrics`: what the server knows of itself, for Prometheus. Names are of ours and not prom-client's default ones,
 * three of which promtool's lint refuses. Only those whom `--metrics-from` names may read them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Registry } from 'prom-client';
import { TUNER_STATES, type TunerView } from '../../shared/adminApi.ts';
import type { AddressRanges } from '../addressRanges.ts';
import type { Proxies } from '../http/addresses.ts';
import { replyJson, replyText } from '../http/replies.ts';
import type { WorldLink } from '../world/messages.ts';
import { level, levels, type Sample } from './define.ts';
import { ProcessMetrics, type ProcessSources } from './processMetrics.ts';
import { type AnsweredRequest, type VisitorSources, visitorMetrics } from './visitorMetrics.ts';
import { worldMetrics } from './worldMetrics.ts';

/** Whoever asks within this time gets the same answer, so that a flood of scrapes costs one. */
const MAX_AGE_MS = 500;

export interface MetricsSources extends VisitorSources, Omit<ProcessSources, 'worldThread'> {
  readonly world: Pick<WorldLink, 'vitals' | 'trouble' | 'wilted'> & { onVitals: WorldLink['onVitals'] };
  /** Whether the world has sent something lately. */
  readonly isAlive: () => boolean;
  /** How many pages may exist. */
  readonly maxPages: number;
  /** null: there is no tuner. */
  readonly tuner: () => Pick<TunerView, 'state' | 'queue' | 'job' | 'gathering'> | null;
}

export interface MetricsOptions {
  readonly readers: AddressRanges;
  readonly proxies: Proxies;
}

/** @returns false when the request is not of a reader, and has been refused */
export function mayRead(
  request: IncomingMessage,
  response: ServerResponse,
  { readers, proxies }: MetricsOptions,
): boolean {
  const address = proxies.clientOf(request);
  if (readers.has(address)) return true;
  const who = address === '' ? 'who comes through a proxy that is not trusted (--trust-proxy)' : address;
  replyJson(response, 403, { error: `${who} may not read the metrics (--metrics-from)` });
  return false;
}

export class Metrics {
  /** Counts a request that was answered. */
  readonly answered: (request: AnsweredRequest) => void;
  readonly #registry = new Registry();
  readonly #process: ProcessMetrics;
  readonly #world: MetricsSources['world'];
  readonly #options: MetricsOptions;
  #last: { readonly atMs: number; readonly text: Promise<string> } | null = null;

  constructor(sources: MetricsSources, options: MetricsOptions) {
    const { world, isAlive, maxPages, tuner } = sources;
    const registry = this.#registry;
    this.#world = world;
    this.#options = options;
    world.onVitals = worldMetrics({ registry, world, isAlive, maxPages });
    this.answered = visitorMetrics(registry, sources);
    this.#process = new ProcessMetrics(registry, { ...sources, worldThread: () => world.vitals });
    const tunerState = { name: 'regrow_tuner_state', help: '1 for what the tuner does.', registry };
    levels(tunerState, ['state'], () => {
      const now = tuner();
      return now === null
        ? []
        : TUNER_STATES.map((state): Sample => [{ state }, Number(state === now.state)]);
    });
    level({ name: 'regrow_tuner_jobs_waiting', help: 'Tuning jobs in the queue.', registry }, () => {
      return tuner()?.queue.length ?? null;
    });
    level(
      {
        name: 'regrow_tuner_iterations',
        help: 'Iterations of the attempt that runs or is paused.',
        registry,
      },
      () => {
        return tuner()?.job?.done ?? null;
      },
    );
    level(
      { name: 'regrow_tuner_gathering', help: 'Species with too few new wounds for an attempt.', registry },
      () => {
        return tuner()?.gathering.length ?? null;
      },
    );
  }

  /** Answers `/metrics`. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (mayRead(request, response, this.#options)) await this.reply(response);
  }

  /** Answers somebody who may read them. */
  async reply(response: ServerResponse): Promise<void> {
    replyText(response, 200, await this.text(), this.#registry.contentType);
  }

  /** In Prometheus' text format; at most half a second old. */
  text(): Promise<string> {
    const now = performance.now();
    if (this.#last === null || now - this.#last.atMs > MAX_AGE_MS)
      this.#last = { atMs: now, text: this.#registry.metrics() };
    return this.#last.text;
  }

  dispose(): void {
    this.#world.onVitals = () => {};
    this.#process.dispose();
    this.#registry.clear();
  }
}
