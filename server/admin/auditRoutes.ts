/** `/admin/api/audit`: the audit log in pages, and all of it as lines of JSON. */
import { once } from 'node:events';
import type { AuditAnswer } from '../../shared/adminPeople.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import { type Call, Refusal, type Route } from './requests.ts';

const MAX_PAGE = 100;
const MAX_TEXT = 64;
/** Rows that are read and sent together. */
const CHUNK = 500;

export class AuditRoutes {
  readonly all: readonly Route[];
  readonly #desk: SwapDesk;

  constructor({ desk }: { readonly desk: SwapDesk }) {
    this.#desk = desk;
    this.all = [
      ['GET', /^audit$/, 'moderator', (call) => this.#page(call)],
      ['GET', /^audit\.jsonl$/, 'owner', (call) => this.#export(call)],
    ];
  }

  async #page({ url }: Call): Promise<AuditAnswer> {
    const before = url.searchParams.get('before');
    if (before !== null && !/^\d{1,15}$/.test(before))
      throw new Refusal(400, 'before must be a whole number');
    const text = url.searchParams.get('text') ?? '';
    if (text.length > MAX_TEXT) throw new Refusal(400, `text must be at most ${MAX_TEXT} characters`);
    const start = before === null ? undefined : Number(before);
    return this.#desk.ask((registry) => registry.audit.find({ most: MAX_PAGE, before: start, text }));
  }

  /** Oldest first, read as fast as the client takes it. */
  async #export({ response }: Call): Promise<void> {
    // The first rows are read before the head is sent: a registry that cannot be read is an error of its own.
    let rows = await this.#desk.ask((registry) => registry.audit.after(0, CHUNK));
    response.writeHead(200, {
      'Content-Type': 'application/jsonl; charset=utf-8',
      'Content-Disposition': 'attachment; filename="regrow-audit.jsonl"',
      'Cache-Control': 'no-store',
    });
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    while (rows.length > 0 && !gone.signal.aborted) {
      const isTaken = response.write(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
      if (!isTaken) await once(response, 'drain', { signal: gone.signal }).catch(() => {});
      const last = rows.at(-1)!.id;
      rows = await this.#desk.ask((registry) => registry.audit.after(last, CHUNK));
    }
    response.end();
  }
}
