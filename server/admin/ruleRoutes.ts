/** `/admin/api/…`, rules: what the registry holds, what is swapped, and what the tuner makes. */

import type { ProbeAnswer as ProbeShown, RulesAnswer } from '../../shared/adminApi.ts';
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { encodePng } from '../http/png.ts';
import { DISTILL_ORDERS, importDistill } from '../rules/distill.ts';
import { checkName, parseRule, serializeRule } from '../rules/format.ts';
import { type Actor, labelOf, type RuleRecord, sha256Of } from '../rules/registry.ts';
import { type Rule, RuleError } from '../rules/rule.ts';
import type { Prober } from '../swaps/prober.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import { TUNER_MODES, type Tuner } from '../tuner/tuner.ts';
import type { ProbeAnswer } from '../world/probeWorker.ts';
import { type Call, expectType, type Fields, Refusal, type Route, readBody, readJson } from './requests.ts';

const MAX_SWAPS = 50;

export interface RuleRoutesOptions {
  readonly desk: SwapDesk;
  readonly probe: Prober;
  readonly tuner: () => Tuner | null;
}

export class RuleRoutes {
  readonly all: readonly Route[];
  readonly #options: RuleRoutesOptions;

  constructor(options: RuleRoutesOptions) {
    this.#options = options;
    this.all = [
      ['GET', /^rules$/, 'owner', () => this.#rules()],
      ['POST', /^rules$/, 'owner', (call) => this.#upload(call)],
      ['GET', /^rules\/(\d{1,9})\/probe$/, 'owner', (call) => this.#figures(call)],
      ['GET', /^rules\/(\d{1,9})\/film\.png$/, 'owner', (call) => this.#film(call)],
      ['GET', /^rules\/(\d{1,9})\/file$/, 'owner', (call) => this.#file(call)],
      ['POST', /^swaps$/, 'owner', (call) => this.#swap(call)],
      ['POST', /^rollback$/, 'owner', (call) => this.#rollback(call)],
      ['GET', /^tuner$/, 'owner', async () => this.#tuner.view],
      ['POST', /^tuner$/, 'owner', (call) => this.#tune(call)],
      ['GET', /^tuner\/films\/(\d{1,9})\.png$/, 'owner', (call) => this.#healingFilm(call)],
    ];
  }

  // --- rules ---

  async #rules(): Promise<RulesAnswer> {
    return this.#options.desk.ask((registry) => {
      const inForce = [...registry.inForce()];
      const rules = registry.rules();
      const labels = new Map(rules.map((rule) => [rule.id, labelOf(rule)]));
      return {
        rules: rules.map((rule) => ({
          ...rule,
          label: labelOf(rule),
          parentLabel: rule.parent === null ? null : (labels.get(rule.parent) ?? null),
          inForceFor: inForce.filter(([, { id }]) => id === rule.id).map(([species]) => species),
        })),
        species: inForce.map(([species, { id }]) => ({ species, rule: id })),
        swaps: registry
          .swaps(undefined, MAX_SWAPS)
          .map((swap) => ({ ...swap, label: labels.get(swap.rule) ?? '' })),
      };
    });
  }

  /** The body is the file, probed, then entered. `?name=` names the rule; `?order=` is the order in Distill's JSON. */
  async #upload({ request, url, actor }: Call): Promise<unknown> {
    const type = expectType(request, 'application/octet-stream', 'application/json');
    const name = url.searchParams.get('name') ?? undefined;
    if (name !== undefined) checkName(name);
    const order = DISTILL_ORDERS.find((known) => known === (url.searchParams.get('order') ?? 'planar'));
    if (order === undefined) throw new Refusal(400, `order must be one of ${DISTILL_ORDERS.join(', ')}`);
    const bytes = await readBody(request, MAX_RULE_BYTES);
    const rule =
      type === 'application/json'
        ? importDistill(bytes.toString('utf8'), needed(name), { order })
        : renamed(parseRule(bytes), name);
    const isAsItWas = type !== 'application/json' && (name === undefined || name === parseRule(bytes).name);
    const file = isAsItWas ? bytes : serializeRule(rule);
    const known = await this.#options.desk.ask((registry) => registry.bySha256(sha256Of(file)));
    if (known !== null) throw new RuleError(`the file is in the registry already: it is ${labelOf(known)}`);
    const answer = await this.#tryOut(rule, sha256Of(file), rule.name);
    if (!answer.ok) throw new RuleError(answer.reason);
    const record = await this.#options.desk.ask((registry) =>
      registry.add({ bytes: file, origin: 'uploaded' }, actor),
    );
    return { rule: { ...record, label: labelOf(record) }, ...shown(answer) };
  }

  #tryOut(rule: Rule, sha256: string, label: string): Promise<ProbeAnswer> {
    return this.#options.probe({ rule, species: rule.name, sha256, label, now: null });
  }

  async #probed(part: string): Promise<ProbeAnswer & { readonly ok: true }> {
    const { record, file } = await this.#read(part);
    const answer = await this.#tryOut(file.rule, record.sha256, labelOf(record));
    if (!answer.ok) throw new RuleError(answer.reason);
    return answer;
  }

  #read(part: string): Promise<{ record: RuleRecord; file: { rule: Rule; bytes: Uint8Array } }> {
    const id = Number(part);
    return this.#options.desk.ask((registry) => ({ record: registry.byId(id), file: registry.read(id) }));
  }

  async #figures({ part }: Call): Promise<ProbeShown> {
    return shown(await this.#probed(part));
  }

  /** All frames, one below another. A rule's film never changes. */
  async #film({ part, response }: Call): Promise<void> {
    const { film } = (await this.#probed(part)).probe;
    const png = await encodePng(film.rgba, film.width, film.height * film.frames);
    response.writeHead(200, {
      'Content-Type': 'image/png',
      'Content-Length': png.length,
      'Cache-Control': 'private, max-age=86400, immutable',
    });
    response.end(png);
  }

  async #file({ part, response }: Call): Promise<void> {
    const { record, file } = await this.#read(part);
    response.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': file.bytes.length,
      'Content-Disposition': `attachment; filename="${record.name}-v${record.version}.safetensors"`,
      'Cache-Control': 'no-store',
    });
    response.end(file.bytes);
  }

  // --- swaps ---

  async #swap({ request, actor }: Call): Promise<unknown> {
    const fields = await readJson(request);
    const scope = fields.oneOf('scope', ['organism', 'species', 'planted']);
    const species = checkName(fields.text('species'));
    const rule = ruleIn(fields);
    const organism = scope === 'organism' ? fields.whole('organism', 1, 65_535) : undefined;
    return this.#done({ species, rule, scope, organism }, actor);
  }

  /** To `version`, or to the rule before the one in force. */
  async #rollback({ request, actor }: Call): Promise<unknown> {
    const fields = await readJson(request);
    const species = checkName(fields.text('species'));
    const version = fields.has('version') ? fields.whole('version', 1, 1_000_000) : undefined;
    const { id } = await this.#options.desk.ask((registry) =>
      version === undefined ? registry.beforeInForce(species) : registry.find(species, version),
    );
    return this.#done({ species, rule: id, scope: 'species' }, actor);
  }

  async #done(swap: Parameters<SwapDesk['swap']>[0], actor: Actor): Promise<unknown> {
    const result = await this.#options.desk.swap(swap, actor);
    if (!result.ok) throw new RuleError(result.reason);
    return result;
  }

  // --- the tuner ---

  get #tuner(): Tuner {
    const tuner = this.#options.tuner();
    if (tuner === null) throw new Refusal(404, 'there is no tuner here');
    return tuner;
  }

  async #tune({ request, actor }: Call): Promise<unknown> {
    const tuner = this.#tuner;
    const fields = await readJson(request);
    const action = fields.oneOf('action', ['mode', 'cancel', 'promote', 'reject']);
    switch (action) {
      case 'mode':
        await tuner.setMode(fields.oneOf('mode', TUNER_MODES), actor);
        return {};
      case 'cancel':
        await tuner.cancel(actor);
        return {};
      case 'reject':
        await tuner.candidates.reject(ruleIn(fields), actor);
        return {};
      case 'promote': {
        const result = await tuner.candidates.promote(ruleIn(fields), actor);
        if (!result.ok) throw new RuleError(result.reason);
        return result;
      }
      default:
        return action satisfies never;
    }
  }

  /** Incumbent and candidate heal one wound: frames one below another. */
  async #healingFilm({ part, response }: Call): Promise<void> {
    const png = this.#tuner.candidates.film(Number(part));
    if (png === null) throw new Refusal(404, `there is no film of rule ${part}`);
    response.writeHead(200, {
      'Content-Type': 'image/png',
      'Content-Length': png.length,
      'Cache-Control': 'private, max-age=86400, immutable',
    });
    response.end(png);
  }
}

const ruleIn = (fields: Fields): number => fields.whole('rule', 1, Number.MAX_SAFE_INTEGER);

/** A probe as the page shows it; its pixels come as a picture. */
function shown({ next, probe, fault }: ProbeAnswer & { readonly ok: true }): ProbeShown {
  const { rgba: _, ...film } = probe.film;
  const { thumbnail, width, height } = next.card;
  return { thumbnail, width, height, figures: probe.figures, film, fault };
}

function needed(name: string | undefined): string {
  if (name === undefined) throw new Refusal(400, "Distill's JSON says no name: ?name= is missing");
  return name;
}

const renamed = (rule: Rule, name: string | undefined): Rule =>
  name === undefined ? rule : { ...rule, name };
