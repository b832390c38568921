/** `/admin/api/…`, the world: its speed, its bodies, sessions, and figures. */
import type { IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import type { LiveAnswer, SessionsAnswer } from '../../shared/adminApi.ts';
import type { LoginLeft, OrganismEntry, Player } from '../../shared/adminPeople.ts';
import type { Config } from '../config.ts';
import type { Guests } from '../guests/guests.ts';
import { linkedSpecies } from '../http/speciesPictures.ts';
import type { Nursery } from '../nursery/desk/nursery.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { WorldControl, WorldLink } from '../world/messages.ts';
import type { AuditNotes } from './auditNotes.ts';
import type { Audience } from './moderationRoutes.ts';
import type { Reports } from './reports.ts';
import { type Call, type Fields, Refusal, type Route, readJson } from './requests.ts';

const MAX_SESSIONS = 20;
const MAX_LISTED = 1_000;

export interface WorldRoutesOptions {
  readonly world: WorldLink;
  readonly guests: Guests;
  readonly reports: Reports;
  readonly nursery: () => Nursery | null;
  readonly notes: AuditNotes;
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
      ['GET', /^organisms$/, 'moderator', (call) => this.#organisms(call)],
      [
        'GET',
        /^health$/,
        'moderator',
        async () => ({ health: await options.world.ask({ kind: 'meanHealth' }) }),
      ],
      ['GET', /^sessions$/, 'owner', () => this.#sessions()],
      ['POST', /^sessions\/end$/, 'owner', (call) => this.#endSession(call)],
      ['GET', /^live$/, 'moderator', (call) => this.#live(call)],
    ];
  }

  // --- the world ---

  /** At most 1,000 of a species: they are shown in one list, to choose from. */
  #organisms({ url }: Call): Promise<readonly OrganismEntry[]> {
    const species = url.searchParams.get('species');
    const limit = MAX_LISTED;
    return this.#options.world.ask({ kind: 'organisms', limit, ...(species !== null && { species }) });
  }

  async #control({ request, actor }: Call): Promise<unknown> {
    const { world, audience } = this.#options;
    const fields = await readJson(request);
    const kind = fields.oneOf('kind', ['speed', 'garden', 'save']);
    if (kind === 'save') {
      await this.#options.notes.before(actor, 'save', '', '');
      return world.ask({ kind: 'save' });
    }
    const control = this.#controlOf(kind, fields);
    const detail = JSON.stringify(control);
    if (control.kind !== 'speed') {
      await this.#options.notes.before(actor, kind, '', detail);
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
    return { organisms, ...(await this.#options.notes.after(actor, kind, '', detail)) };
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
    await this.#options.notes.before(actor, 'clear', '', JSON.stringify(control));
    return { organisms: await world.ask({ kind: 'control', control: { ...control, by: actor.who } }) };
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
    await this.#options.notes.before(actor, 'end session', '', `begun ${running.beganAt}`);
    const record = await sessions.end('admin');
    // Another request ended it first, or the record could not be written.
    if (record === null) throw new Refusal(503, 'the session has ended, but there is no record of it');
    audience().announce(`${actor.who} ended the session; the next one begins with the next stroke`);
    const { wounds: _, ...head } = record;
    return { session: head };
  }

  // --- figures ---

  async #live({ request, actor }: Call): Promise<LiveAnswer> {
    const { world, guests, reports, nursery, left, config } = this.#options;
    const { ready } = world;
    const { rss, heapUsed } = process.memoryUsage();
    return {
      who: actor.who,
      role: actor.role!,
      left: left(request),
      stats: world.stats,
      trouble: world.trouble && `${world.trouble} (in ${resolve(config.dataDir)})`,
      stepsPerSecond: this.#stepsPerSecond,
      uptimeSeconds: Math.floor((performance.now() - this.#startedMs) / 1_000),
      rssBytes: rss,
      heapBytes: heapUsed,
      engine: ready.engine,
      width: ready.width,
      height: ready.height,
      species: linkedSpecies(ready.species),
      wilted: Object.fromEntries(world.wilted),
      players: this.#players(),
      reports: reports.open,
      drawings: nursery()?.drawings.in('waiting').length ?? 0,
      sanctions: guests.sanctions.all,
    };
  }

  #players(): Player[] {
    const { audience, guests } = this.#options;
    return audience().visits.map((visit) => ({
      ...visit,
      isMuted: guests.sanctions.find('mute', visit.guest, visit.address) !== null,
    }));
  }
}
