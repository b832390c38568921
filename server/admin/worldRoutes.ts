/** `/admin/api/…`, the world: its speed and its bodies, players, sessions, figures, and the audit log. */
import type { IncomingMessage } from 'node:http';
import type { Done, LiveAnswer, LoginLeft, Player, SessionsAnswer } from '../../shared/adminApi.ts';
import type { Config } from '../config.ts';
import { BanTable } from '../rules/banTable.ts';
import type { Actor, Registry } from '../rules/registry.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import type { WorldControl, WorldLink } from '../world/messages.ts';
import { type Bans, MAX_BANS } from './bans.ts';
import { type Call, type Fields, Refusal, type Route, readJson } from './requests.ts';
import type { WaitingRows } from './waitingRows.ts';

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

export interface WorldRoutesOptions {
  readonly world: WorldLink;
  readonly desk: SwapDesk;
  readonly bans: Bans;
  readonly rows: WaitingRows;
  /** When the login of a request ends. */
  readonly left: (request: IncomingMessage) => LoginLeft;
  readonly audience: () => Audience;
  readonly config: Config;
  /** null: sessions are not recorded. */
  readonly sessions: Sessions | null;
}

export class WorldRoutes {
  readonly all: readonly Route[];
  readonly #options: WorldRoutesOptions;
  readonly #startedMs = performance.now();
  #stepsPerSecond: number;

  constructor(options: WorldRoutesOptions) {
    this.#options = options;
    this.#stepsPerSecond = options.world.ready.stepsPerSecond;
    this.all = [
      ['POST', /^world$/, 'owner', (call) => this.#control(call)],
      ['POST', /^world\/clear$/, 'moderator', (call) => this.#clear(call)],
      ['GET', /^organisms$/, 'moderator', () => options.world.ask({ kind: 'organisms' })],
      ['POST', /^players\/([A-Za-z0-9_-]{1,64})$/, 'moderator', (call) => this.#player(call)],
      ['DELETE', /^bans\/([^/]{1,64})$/, 'moderator', (call) => this.#unban(call)],
      ['GET', /^sessions$/, 'owner', () => this.#sessions()],
      ['POST', /^sessions\/end$/, 'owner', (call) => this.#endSession(call)],
      ['GET', /^live$/, 'moderator', (call) => this.#live(call)],
    ];
  }

  // --- the world ---

  async #control({ request, actor }: Call): Promise<unknown> {
    const { world, audience } = this.#options;
    const fields = await readJson(request);
    const kind = fields.oneOf('kind', ['speed', 'garden', 'save']);
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

  #controlOf(kind: 'speed' | 'garden', fields: Fields): WorldControl {
    if (kind === 'speed') return { kind, stepsPerSecond: fields.number('stepsPerSecond', 0, 1_000) };
    const randomSeed = Math.floor(Math.random() * 2 ** 32);
    return { kind, count: fields.whole('count', 1, 1_000), randomSeed };
  }

  async #clear({ request, actor }: Call): Promise<unknown> {
    const { world } = this.#options;
    const { width, height } = world.ready;
    const fields = await readJson(request);
    const x = fields.number('x', 0, width);
    const y = fields.number('y', 0, height);
    const control = { kind: 'clear', x, y, radius: fields.number('radius', 1, 1_024) } as const;
    await this.#noted(actor, 'clear', '', JSON.stringify(control));
    return { organisms: await world.ask({ kind: 'control', control }) };
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
    const enter = (registry: Registry, at: string): void =>
      new BanTable(registry).enter(ban, actor, name, at);
    return { ban, ...(await this.#done(actor, 'ban', name, `${address} until ${ban.until}`, enter)) };
  }

  async #unban({ part, actor }: Call): Promise<unknown> {
    if (!this.#options.bans.lift(part)) throw new Refusal(404, `${part} is not banned`);
    return this.#done(actor, 'unban', part, '', (registry, at) =>
      new BanTable(registry).lift(part, actor, at),
    );
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

  // --- figures ---

  async #live({ request, actor }: Call): Promise<LiveAnswer> {
    const { world, audience, bans, left } = this.#options;
    const { ready } = world;
    const { rss, heapUsed } = process.memoryUsage();
    return {
      who: actor.who,
      role: actor.role!,
      left: left(request),
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
    enter: (registry: Registry, at: string) => void = ({ audit }, at) =>
      void audit.note(actor, action, subject, detail, at),
  ): Promise<Done> {
    const at = new Date().toISOString();
    const text = `${action} by ${actor.who} from ${actor.address}: ${subject} ${detail}`;
    const fault = await this.#options.rows.write({ text, enter: (registry) => enter(registry, at) });
    return fault === null ? {} : { unwritten: fault };
  }

  /** Called before an act that can wait: what cannot be written into the audit log is not done. */
  async #noted(actor: Actor, action: string, subject: string, detail: string): Promise<void> {
    await this.#options.desk.ask(({ audit }) => audit.note(actor, action, subject, detail));
  }
}
