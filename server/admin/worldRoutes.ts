/** `/admin/api/…`, the world: its speed and its bodies, players, sessions, figures, and the audit log. */
import type { IncomingMessage } from 'node:http';
import type { Done, LiveAnswer, LoginLeft, Player, Sanction, SessionsAnswer } from '../../shared/adminApi.ts';
import type { Config } from '../config.ts';
import type { Guests } from '../guests/guests.ts';
import { TooManySanctionsError } from '../guests/sanctions.ts';
import { detailOf, SanctionTable } from '../guests/sanctionTable.ts';
import { muteWords } from '../guests/words.ts';
import type { Visitor } from '../rooms/visit.ts';
import type { Actor, Registry } from '../rules/registry.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import type { WorldControl, WorldLink } from '../world/messages.ts';
import { type Call, type Fields, Refusal, type Route, readJson } from './requests.ts';
import type { WaitingRows } from './waitingRows.ts';

const MAX_SESSIONS = 20;
const MAX_BAN_MINUTES = 365 * 24 * 60;

/** The players, as far as an admin needs them. */
export interface Audience {
  announce(text: string): void;
  readonly visits: readonly Omit<Player, 'isMuted'>[];
  /** Ends the visits for which it is true. @returns how many */
  kick(isMeant: (visitor: Visitor) => boolean, reason: string): number;
  /** Shows a line to those for whom it is true. */
  tell(isMeant: (visitor: Visitor) => boolean, text: string): void;
}

export interface WorldRoutesOptions {
  readonly world: WorldLink;
  readonly desk: SwapDesk;
  readonly guests: Guests;
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
      ['DELETE', /^sanctions\/([^/]{1,64})$/, 'moderator', (call) => this.#lift(call)],
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
    const { audience, guests } = this.#options;
    const fields = await readJson(request);
    const action = fields.oneOf('action', ['kick', 'ban', 'mute', 'unmute']);
    const visit = audience().visits.find(({ id }) => id === part);
    if (visit === undefined) throw new Refusal(404, `there is no player ${part}`);
    const { guest, name, address } = visit;
    const reason = fields.has('reason') ? fields.text('reason') : '';
    switch (action) {
      case 'kick': {
        audience().kick(({ id }) => id === guest, reason || 'an admin has removed you from this world');
        return this.#done(actor, action, name, `guest ${guest} at ${address} ${reason}`.trim());
      }
      case 'unmute': {
        const mutes = guests.sanctions.all.filter((one) => one.kind === 'mute' && one.guest === guest);
        let done: Done = {};
        for (const { id } of mutes) done = { ...(await this.#lifted(id, actor)), ...done };
        audience().tell(({ id }) => id === guest, 'You have your tools again.');
        return done;
      }
      case 'mute': {
        const minutes = fields.has('minutes') ? fields.whole('minutes', 1, MAX_BAN_MINUTES) : Infinity;
        const mute = this.#sanctioned(
          () => guests.sanctionGuest('mute', guest, { minutes, reason, who: actor.who })!,
        );
        const left = guests.sanctions.secondsLeft(mute.id);
        audience().tell(({ id }) => id === guest, muteWords(mute, guest, left));
        return this.#entered(mute, actor);
      }
      case 'ban': {
        const minutes = fields.whole('minutes', 1, MAX_BAN_MINUTES);
        const what = { kind: 'ban', guest: '', address, name, minutes, reason, who: actor.who } as const;
        const ban = this.#sanctioned(() => guests.sanctions.add(what));
        audience().kick(
          (visitor) => visitor.address === address,
          reason || 'an admin has banned this address',
        );
        return { ban, ...(await this.#entered(ban, actor)) };
      }
      default:
        return action satisfies never;
    }
  }

  #players(): Player[] {
    const { audience, guests } = this.#options;
    return audience().visits.map((visit) => ({
      ...visit,
      isMuted: guests.sanctions.find('mute', visit.guest, visit.address) !== null,
    }));
  }

  #sanctioned(add: () => Sanction): Sanction {
    try {
      return add();
    } catch (error) {
      if (error instanceof TooManySanctionsError) throw new Refusal(409, error.message);
      throw error;
    }
  }

  #entered(sanction: Sanction, actor: Actor): Promise<Done> {
    return this.#done(actor, sanction.kind, sanction.name, detailOf(sanction), (registry, at) =>
      new SanctionTable(registry).enter(sanction, actor, at),
    );
  }

  async #lift({ part, actor }: Call): Promise<unknown> {
    const done = await this.#lifted(part, actor);
    if (done === null) throw new Refusal(404, `no mute or ban with the id ${part} is in force`);
    return done;
  }

  /** @returns null: there is no such sanction */
  async #lifted(id: string, actor: Actor): Promise<Done | null> {
    const sanction = this.#options.guests.sanctions.lift(id);
    if (sanction === null) return null;
    const { kind, name, address } = sanction;
    return this.#done(actor, `un${kind}`, name || address, detailOf(sanction), (registry, at) =>
      new SanctionTable(registry).lift(sanction, actor, at),
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
    const { world, guests, left } = this.#options;
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
      players: this.#players(),
      sanctions: guests.sanctions.all,
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
