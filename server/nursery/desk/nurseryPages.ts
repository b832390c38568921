/** `GET /api/nursery…`: what the nursery shows to everybody. Light: it answers 304 while nothing has changed. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { GrownDrawing, LearningView, NurseryView, ShownDrawing } from '../../../shared/nursery.ts';
import { Allowances } from '../../allowances.ts';
import { isHeld, replyBytes, replyJson } from '../../http/replies.ts';
import { exportDistill } from '../../rules/distill.ts';
import { RegistryError } from '../../rules/registryFile.ts';
import { fileOf } from '../job.ts';
import type { DrawingRow } from './drawingTable.ts';
import type { Nursery } from './nursery.ts';

/** Requests of an address: a page asks every 3 s, and for a film every 5 s. */
const MAX_REQUESTS = 120;
const REQUESTS_PER_SECOND = 20;
const MAX_SHOWN = 24;
/** The view is made at most this often, whoever asks. */
const VIEW_MS = 1_000;

const FILM_PATH = /^\/api\/nursery\/films\/(\d{1,9})-(\d{1,12})\.png$/;
const KEPT_PATH =
  /^\/api\/nursery\/(\d{1,9})\/(growth\.gif|card\.png|rule\.safetensors|distill\.json|drawing\.txt)$/;

interface Caller {
  readonly address: string;
}

export class NurseryPages {
  readonly #nursery: Nursery;
  readonly #allowances = new Allowances({
    most: MAX_REQUESTS,
    perSecond: REQUESTS_PER_SECOND,
    now: () => performance.now(),
  });
  #made: { readonly atMs: number; readonly json: Buffer; readonly etag: string } | null = null;

  constructor(nursery: Nursery) {
    this.#nursery = nursery;
  }

  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    { address }: Caller,
  ): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return replyJson(response, 405, { error: `${request.method} is not allowed here` });
    }
    const waitMs = this.#allowances.take(address, 1);
    if (waitMs > 0) {
      response.setHeader('Retry-After', String(Math.ceil(waitMs / 1_000)));
      return replyJson(response, 429, { error: 'too many requests from this address' });
    }
    const { pathname } = url;
    if (pathname === '/api/nursery') return this.#view(request, response);
    const film = FILM_PATH.exec(pathname);
    if (film !== null) return this.#film(response, Number(film[1]), Number(film[2]));
    const kept = KEPT_PATH.exec(pathname);
    if (kept !== null) return this.#kept(request, response, Number(kept[1]), kept[2]);
    replyJson(response, 404, { error: `there is no ${pathname}` });
  }

  #view(request: IncomingMessage, response: ServerResponse): void {
    this.#nursery.looked();
    const now = performance.now();
    if (this.#made === null || now - this.#made.atMs > VIEW_MS) {
      const json = Buffer.from(JSON.stringify(viewOf(this.#nursery)));
      const etag = `"${createHash('sha1').update(json).digest('base64url')}"`;
      this.#made = { atMs: now, json, etag };
    }
    const { json, etag } = this.#made;
    if (!isHeld(request, response, etag, 'no-cache'))
      replyBytes(response, 200, json, 'application/json; charset=utf-8', 'no-cache');
  }

  #film(response: ServerResponse, id: number, number: number): void {
    const running = this.#nursery.running;
    const film = running?.id === id ? running.films.find((one) => one.number === number) : undefined;
    if (film === undefined) replyJson(response, 404, { error: 'that film is gone' });
    else replyBytes(response, 200, film.png, 'image/png', 'public, max-age=3600, immutable');
  }

  async #kept(request: IncomingMessage, response: ServerResponse, id: number, file: string): Promise<void> {
    const row = this.#nursery.drawings.byId(id);
    if (row?.state !== 'ready' || row.rule === null)
      return replyJson(response, 404, { error: `the nursery has no species of drawing ${id}` });
    const folder = this.#nursery.folders.keptOf(id);
    switch (file) {
      case 'growth.gif':
        return sendFile(request, response, fileOf(folder, 'film'), 'image/gif', `${row.species}.gif`);
      case 'card.png':
        return sendFile(request, response, fileOf(folder, 'card'), 'image/png', `${row.species}.png`);
      case 'drawing.txt':
        return replyBytes(response, 200, Buffer.from(row.drawing), 'text/plain; charset=utf-8', 'no-cache');
      default:
        return this.#rule(response, row, file === 'distill.json');
    }
  }

  async #rule(response: ServerResponse, { rule, species }: DrawingRow, isDistill: boolean): Promise<void> {
    try {
      const file = await this.#nursery.readRule(rule!);
      const [bytes, type, name] = isDistill
        ? [Buffer.from(exportDistill(file.rule)), 'application/json', `${species}.json`]
        : [Buffer.from(file.bytes), 'application/octet-stream', `${species}.safetensors`];
      response.setHeader('Content-Disposition', `attachment; filename="${name}"`);
      replyBytes(response, 200, bytes, type, 'no-cache');
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      replyJson(response, 503, { error: 'the rule cannot be read at the moment' });
    }
  }
}

/** Asked for anew each time: a species that a moderator has removed leaves no picture in any cache. */
async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  type: string,
  name: string,
): Promise<void> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return replyJson(response, 404, { error: 'it is not kept any more' });
  const etag = `"${stats.size.toString(36)}-${Math.floor(stats.mtimeMs).toString(36)}"`;
  if (isHeld(request, response, etag, 'no-cache')) return;
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': stats.size,
    'Content-Disposition': `inline; filename="${name}"`,
  });
  // Whoever goes away in the middle needs no answer.
  await pipeline(createReadStream(path), response).catch(() => response.destroy());
}

const shown = ({ id, name, maker, drawing }: DrawingRow): ShownDrawing => ({ id, name, maker, drawing });

export function viewOf(nursery: Nursery): NurseryView {
  const { drawings, queue, mode } = nursery;
  return {
    mode,
    learning: learningOf(nursery),
    queue: queue.slice(0, MAX_SHOWN).map((row, place) => ({
      ...shown(row),
      waitSeconds: roundedSeconds(nursery.waitSeconds(place)),
    })),
    queued: queue.length,
    waiting: drawings.in('waiting').length,
    grown: drawings
      .in('ready')
      .toSorted((a, b) => b.changed.localeCompare(a.changed))
      .slice(0, MAX_SHOWN)
      .map(
        (row): GrownDrawing => ({
          ...shown(row),
          species: row.species,
          isPassed: row.result?.outcome === 'passed',
          lacks: row.result?.lacks ?? [],
          since: row.changed,
          iterations: row.result?.iterations ?? 0,
          seconds: row.result?.seconds ?? 0,
          hasFilm: nursery.folders.hasFilm(row.id),
        }),
      ),
  };
}

export function learningOf(nursery: Nursery): LearningView | null {
  const [row] = nursery.drawings.in('learning');
  if (row === undefined) return null;
  const running = nursery.running?.id === row.id ? nursery.running : null;
  const progress = running?.progress ?? null;
  return {
    ...shown(row),
    stage: nursery.isPlanting(row.id) ? 'planting' : (progress?.stage ?? 'starting'),
    iterations: progress?.iterations ?? 0,
    maxIterations: progress?.maxIterations ?? 0,
    seconds: Math.round(progress?.seconds ?? 0),
    secondsLeft: nursery.secondsLeft === null ? null : roundedSeconds(nursery.secondsLeft),
    losses: running?.losses.points ?? [],
    errors: running?.errors.points ?? [],
    healing: running?.healing.points ?? [],
    recovery: running?.recovery ?? {},
    film: running?.films[0]?.number ?? null,
  };
}

/** An estimate is told no finer than it is. */
const roundedSeconds = (seconds: number): number => {
  const step = seconds < 60 ? 5 : seconds < 600 ? 15 : 60;
  return Math.round(seconds / step) * step;
};
