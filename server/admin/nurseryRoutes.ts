/** `/admin/api/nursery`: moderators approve and refuse drawings, and remove species with all their bodies. */
import type { AdminNurseryAnswer } from '../../shared/nursery.ts';
import type { Nursery } from '../nursery/desk/nursery.ts';
import { learningOf } from '../nursery/desk/nurseryPages.ts';
import { type Call, Refusal, type Route, readJson } from './requests.ts';

/** Newest first, without those that wait, which are all told. */
const MAX_OVER = 60;
const MAX_REASON = 200;
const MAX_ID = 999_999_999;

export interface NurseryRoutesOptions {
  readonly nursery: () => Nursery | null;
}

export class NurseryRoutes {
  readonly all: readonly Route[];
  readonly #options: NurseryRoutesOptions;

  constructor(options: NurseryRoutesOptions) {
    this.#options = options;
    this.all = [
      ['GET', /^nursery$/, 'moderator', () => this.#list()],
      ['POST', /^nursery$/, 'moderator', (call) => this.#act(call)],
    ];
  }

  get #nursery(): Nursery {
    const nursery = this.#options.nursery();
    if (nursery === null) throw new Refusal(404, 'there is no nursery here');
    return nursery;
  }

  async #list(): Promise<AdminNurseryAnswer> {
    const nursery = this.#nursery;
    const { drawings, mode, maxSpecies, bed, queue } = nursery;
    const bodies = await bed.bodies();
    const ready = drawings.in('ready');
    const over = [...ready, ...drawings.in('refused', 'withdrawn', 'withered', 'removed')];
    const newest = over.toSorted((a, b) => b.changed.localeCompare(a.changed)).slice(0, MAX_OVER);
    const rows = [...drawings.in('waiting'), ...drawings.in('learning'), ...queue, ...newest];
    return {
      mode,
      drawings: rows.map(({ result, rule: _, failures: _failures, begun: _begun, ...row }) => ({
        ...row,
        isPassed: result?.outcome === 'passed',
        bodies: row.state === 'ready' ? (bodies[row.species] ?? 0) : null,
      })),
      species: ready.length,
      maxSpecies,
      learning: learningOf(nursery),
    };
  }

  async #act({ request, actor }: Call): Promise<unknown> {
    const nursery = this.#nursery;
    const fields = await readJson(request);
    const action = fields.oneOf('action', ['approve', 'refuse', 'remove']);
    const id = fields.whole('drawing', 1, MAX_ID);
    const reason = fields.has('reason') ? fields.text('reason', MAX_REASON) : '';
    switch (action) {
      case 'approve':
        await nursery.approve(id, actor);
        return {};
      case 'refuse':
        await nursery.refuse(id, reason, actor);
        return {};
      case 'remove':
        await nursery.remove(id, reason, actor);
        return {};
      default:
        return action satisfies never;
    }
  }
}
