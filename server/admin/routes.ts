/** `/admin/api/…` for a logged-in admin: rules, swaps, the world, players, figures, and the audit log. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  AuditEntry,
  Done,
  LiveAnswer,
  Player,
  ProbeAnswer as ProbeShown,
  RulesAnswer,
  SessionsAnswer,
} from '../../shared/adminApi.ts';
import type { Config } from '../config.ts';
import { encodePng } from '../http/png.ts';
import { replyJson } from '../http/replies.ts';
import { DISTILL_ORDERS, importDistill } from '../rules/distill.ts';
import { checkName, MAX_RULE_BYTES, parseRule, serializeRule } from '../rules/format.ts';
import { type Actor, labelOf, type Registry, type RuleRecord, sha256Of } from '../rules/registry.ts';
import { type Rule, RuleError } from '../rules/rule.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Prober } from '../swaps/prober.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import type { Tuner } from '../tuner/tuner.ts';
import { TUNER_MODES } from '../tuner/view.ts';
import type { WorldControl, WorldLink } from '../world/messages.ts';
import type { ProbeAnswer } from '../world/probeWorker.ts';
import { type Bans, MAX_BANS } from './bans.ts';
import { expectType, type Fields, Refusal, readBody, readJson } from './requests.ts';
import type { WaitingRows } from './waitingRows.ts';

const MAX_AUDIT = 100;
const MAX_SWAPS = 50;
const MAX_SESSIONS = 20;
const MAX_BAN_MINUTES = 365 * 24 * 60;

/** The players, as far as an admin needs them. */
export interface Audience {
  announce(text: string): void;
  readonly guests: readonly Player[];
  /** @returns false when there is no such player */
  kick(id: string, reason: string): boolean;
  /** @returns false when there is no such player */
  mute(id: string, isMuted: boolean): boolean;
}

export interface RoutesOptions {
  readonly world: WorldLink;
  readonly desk: SwapDesk;
  readonly probe: Prober;
  readonly bans: Bans;
  readonly rows: WaitingRows;
  readonly audience: () => Audience;
  readonly tuner: () => Tuner | null;
  readonly config: Config;
  /** null: sessions are not recorded. */
  readonly sessions: Sessions | null;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly actor: Actor;
  /** The variable part of the path. */
  readonly part: string;
}

type Handler = (call: Call) => Promise<unknown>;

export class Routes {
  readonly #options: RoutesOptions;
  readonly #routes: readonly (readonly [method: string, path: RegExp, handler: Handler])[];
  readonly #startedMs = performance.now();
  #stepsPerSecond: number;

  constructor(options: RoutesOptions) {
    this.#options = options;
    this.#stepsPerSecond = options.config.stepsPerSecond;
    this.#routes = [
      ['GET', /^rules$/, () => this.#rules()],
      ['POST', /^rules$/, (call) => this.#upload(call)],
      ['GET', /^rules\/(\d{1,9})\/probe$/, (call) => this.#figures(call)],
      ['GET', /^rules\/(\d{1,9})\/film\.png$/, (call) => this.#film(call)],
      ['GET', /^rules\/(\d{1,9})\/file$/, (call) => this.#file(call)],
      ['POST', /^swaps$/, (call) => this.#swap(call)],
      ['POST', /^rollback$/, (call) => this.#rollback(call)],
      ['POST', /^world$/, (call) => this.#control(call)],
      ['GET', /^organisms$/, () => options.world.ask({ kind: 'organisms' })],
      ['POST', /^players\/([A-Za-z0-9_-]{1,64})$/, (call) => this.#player(call)],
      ['DELETE', /^bans\/([^/]{1,64})$/, (call) => this.#unban(call)],
      ['GET', /^sessions$/, () => this.#sessions()],
      ['POST', /^sessions\/end$/, (call) => this.#endSession(call)],
      ['GET', /^tuner$/, () => this.#tuner().then((tuner) => tuner.view)],
      ['POST', /^tuner$/, (call) => this.#tune(call)],
      ['GET', /^tuner\/films\/(\d{1,9})\.png$/, (call) => this.#healingFilm(call)],
      ['GET', /^live$/, (call) => this.#live(call)],
      ['GET', /^audit$/, (call) => this.#audit(call)],
    ];
  }

  /** @throws Refusal, RuleError, RegistryError, or Error with the world's reason; nothing has changed then */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL, actor: Actor): Promise<void> {
    const path = url.pathname.slice('/admin/api/'.length);
    const fitting = this.#routes.filter(([, pattern]) => pattern.test(path));
    if (fitting.length === 0) throw new Refusal(404, `there is no ${url.pathname}`);
    const route = fitting.find(([method]) => method === request.method);
    const allowed = fitting.map(([method]) => method).join(', ');
    if (route === undefined) throw new Refusal(405, `${allowed} is expected`, { Allow: allowed });
    const part = decodePart(route[1].exec(path)?.[1] ?? '');
    const body = await route[2]({ request, response, url, actor, part });
    if (!response.headersSent) replyJson(response, 200, body ?? {});
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

  /** The body is the file. `?name=` renames the rule, `?order=` says it is Distill's. It is probed, then entered. */
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
    return this.#swapped({ species, rule, scope, organism }, actor);
  }

  /** To `version`, or to the rule before the one in force. */
  async #rollback({ request, actor }: Call): Promise<unknown> {
    const fields = await readJson(request);
    const species = checkName(fields.text('species'));
    const version = fields.has('version') ? fields.whole('version', 1, 1_000_000) : undefined;
    const { id } = await this.#options.desk.ask((registry) =>
      version === undefined ? registry.beforeInForce(species) : registry.find(species, version),
    );
    return this.#swapped({ species, rule: id, scope: 'species' }, actor);
  }

  async #swapped(swap: Parameters<SwapDesk['swap']>[0], actor: Actor): Promise<unknown> {
    const result = await this.#options.desk.swap(swap, actor);
    if (!result.ok) throw new RuleError(result.reason);
    return result;
  }

  // --- the world ---

  async #control({ request, actor }: Call): Promise<unknown> {
    const { world, audience } = this.#options;
    const fields = await readJson(request);
    const kind = fields.oneOf('kind', ['speed', 'clear', 'garden', 'save']);
    if (kind === 'save') {
      await this.#noted(actor, 'save', '', '');
      return world.ask({ kind: 'save' });
    }
    const control = this.#controlOf(kind, fields);
    const detail = JSON.stringify(control);
    if (control.kind !== 'speed') {
      await this.#noted(actor, kind, '', detail);
      return { organisms: await world.ask({ kind: 'control', control }) };
    }
    const organisms = await world.ask({ kind: 'control', control });
    const { stepsPerSecond } = control;
    this.#stepsPerSecond = stepsPerSecond;
    audience().announce(
      stepsPerSecond === 0
        ? `${actor.who} paused the world`
        : `${actor.who} set ${stepsPerSecond} steps per second`,
    );
    return { organisms, ...(await this.#done(actor, kind, '', detail)) };
  }

  #controlOf(kind: WorldControl['kind'], fields: Fields): WorldControl {
    const { width, height } = this.#options.world.ready;
    switch (kind) {
      case 'speed':
        return { kind, stepsPerSecond: fields.number('stepsPerSecond', 0, 1_000) };
      case 'clear': {
        const x = fields.number('x', 0, width);
        const y = fields.number('y', 0, height);
        return { kind, x, y, radius: fields.number('radius', 1, 1_024) };
      }
      case 'garden': {
        const randomSeed = Math.floor(Math.random() * 2 ** 32);
        return { kind, count: fields.whole('count', 1, 1_000), randomSeed };
      }
      default:
        return kind satisfies never;
    }
  }

  // --- players ---

  async #player({ request, part, actor }: Call): Promise<unknown> {
    const { audience, bans } = this.#options;
    const fields = await readJson(request);
    const action = fields.oneOf('action', ['kick', 'ban', 'mute', 'unmute']);
    const guest = audience().guests.find(({ id }) => id === part);
    if (guest === undefined) throw new Refusal(404, `there is no player ${part}`);
    const { id, name, address } = guest;
    const reason = fields.has('reason') ? fields.text('reason') : '';
    if (action !== 'ban') {
      if (action === 'kick') audience().kick(id, reason || 'an admin has removed you from this world');
      else audience().mute(id, action === 'mute');
      return this.#done(actor, action, name, `session ${id} at ${address} ${reason}`.trim());
    }
    const minutes = fields.whole('minutes', 1, MAX_BAN_MINUTES);
    if (bans.all.length >= MAX_BANS) throw new Refusal(409, `${MAX_BANS} addresses are banned already`);
    const ban = bans.add(address, minutes, reason);
    for (const other of audience().guests)
      if (bans.has(other.address)) audience().kick(other.id, reason || 'an admin has banned this address');
    const enter = (registry: Registry, at: string): void => registry.ban(ban, actor, name, at);
    return { ban, ...(await this.#done(actor, 'ban', name, `${address} until ${ban.until}`, enter)) };
  }

  async #unban({ part, actor }: Call): Promise<unknown> {
    if (!this.#options.bans.lift(part)) throw new Refusal(404, `${part} is not banned`);
    return this.#done(actor, 'unban', part, '', (registry, at) => registry.unban(part, actor, at));
  }

  // --- sessions ---

  async #sessions(): Promise<SessionsAnswer> {
    const { sessions } = this.#options;
    return { running: sessions?.running ?? null, past: (await sessions?.past(MAX_SESSIONS)) ?? [] };
  }

  /** @returns the record without its wounds */
  async #endSession({ request, actor }: Call): Promise<unknown> {
    const { sessions, audience } = this.#options;
    await readJson(request);
    const running = sessions?.running ?? null;
    if (sessions === null || running === null) throw new Refusal(409, 'no session is running');
    await this.#noted(actor, 'end session', '', `begun ${running.beganAt}`);
    const record = await sessions.end('admin');
    // Another request ended it first, or the record could not be written.
    if (record === null) throw new Refusal(503, 'the session has ended, but there is no record of it');
    audience().announce(`${actor.who} ended the session; the next one begins with the next stroke`);
    const { wounds: _, ...head } = record;
    return { session: head };
  }

  // --- the tuner ---

  async #tuner(): Promise<Tuner> {
    const tuner = this.#options.tuner();
    if (tuner === null) throw new Refusal(404, 'there is no tuner here');
    return tuner;
  }

  async #tune({ request, actor }: Call): Promise<unknown> {
    const tuner = await this.#tuner();
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
    const png = (await this.#tuner()).candidates.film(Number(part));
    if (png === null) throw new Refusal(404, `there is no film of rule ${part}`);
    response.writeHead(200, {
      'Content-Type': 'image/png',
      'Content-Length': png.length,
      'Cache-Control': 'private, max-age=86400, immutable',
    });
    response.end(png);
  }

  // --- figures ---

  async #live({ actor }: Call): Promise<LiveAnswer> {
    const { world, audience, bans } = this.#options;
    const { ready } = world;
    const { rss, heapUsed } = process.memoryUsage();
    return {
      who: actor.who,
      stats: world.stats,
      trouble: world.trouble,
      stepsPerSecond: this.#stepsPerSecond,
      uptimeSeconds: Math.floor((performance.now() - this.#startedMs) / 1_000),
      rssBytes: rss,
      heapBytes: heapUsed,
      engine: ready.engine,
      width: ready.width,
      height: ready.height,
      species: ready.species,
      wilted: Object.fromEntries(world.wilted),
      players: audience().guests,
      bans: bans.all,
    };
  }

  async #audit({ url }: Call): Promise<{ readonly entries: readonly AuditEntry[] }> {
    const before = url.searchParams.get('before');
    if (before !== null && !/^\d{1,15}$/.test(before))
      throw new Refusal(400, 'before must be a whole number');
    const start = before === null ? undefined : Number(before);
    return { entries: await this.#options.desk.ask((registry) => registry.audit(MAX_AUDIT, start)) };
  }

  /**
   * Called after an act that must not wait for a disk: its row is written now, or when that is possible.
   *
   * @param enter - default: an entry of the audit log
   */
  async #done(
    actor: Actor,
    action: string,
    subject: string,
    detail: string,
    enter = (registry: Registry, at: string): void => registry.note(actor, action, subject, detail, at),
  ): Promise<Done> {
    const at = new Date().toISOString();
    const text = `${action} by ${actor.who} from ${actor.address}: ${subject} ${detail}`;
    const fault = await this.#options.rows.write({ text, enter: (registry) => enter(registry, at) });
    return fault === null ? {} : { unwritten: fault };
  }

  /** Called before an act that can wait: what cannot be written into the audit log is not done. */
  #noted(actor: Actor, action: string, subject: string, detail: string): Promise<void> {
    return this.#options.desk.ask((registry) => registry.note(actor, action, subject, detail));
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

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(400, 'the path cannot be decoded');
  }
}
