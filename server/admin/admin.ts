/**
 * The one entry of `/admin/api`. It checks once who asks; `routes.ts` does what is asked.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReportedBy } from '../../shared/adminPeople.ts';
import type { ReportMessage } from '../../shared/protocol.ts';
import type { Config } from '../config.ts';
import type { Guests } from '../guests/guests.ts';
import { guestsInMemory } from '../guests/openGuests.ts';
import { replyJson } from '../http/replies.ts';
import { requestIdOf } from '../http/requestWatch.ts';
import { type Log, plainLog } from '../log/log.ts';
import type { Nursery } from '../nursery/desk/nursery.ts';
import type { Actor, Registry } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { RuleError } from '../rules/rule.ts';
import { LearnedBoard } from '../sessions/learned.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { makeProber, type Prober } from '../swaps/prober.ts';
import { SwapDesk } from '../swaps/swapDesk.ts';
import type { Tuner } from '../tuner/tuner.ts';
import { NoAnswerError, type WorldLink } from '../world/messages.ts';
import { AdminError, type AdminRow } from './adminTable.ts';
import { AuditNotes } from './auditNotes.ts';
import { AuditUpkeep } from './auditUpkeep.ts';
import { type Caller, Gate } from './gate.ts';
import type { Audience } from './moderationRoutes.ts';
import { Reports, type Subject } from './reports.ts';
import { Refusal, type Route, refuseForeign } from './requests.ts';
import { Routes } from './routes.ts';
import { WaitingRows } from './waitingRows.ts';

/** Stands in until the room is open. */
const NOBODY: Audience = { announce: () => {}, tell: () => {}, visits: [], kick: () => 0 };

export class Admin {
  readonly desk: SwapDesk;
  readonly guests: Guests;
  /** What players read about learned rules when they join. */
  readonly learned: LearnedBoard;
  readonly #gate: Gate;
  readonly #auditUpkeep: AuditUpkeep;
  readonly #reports: Reports;
  readonly #world: WorldLink;
  readonly #routes: Routes;
  readonly #rows: WaitingRows;
  readonly #log: Log;
  #audience: Audience = NOBODY;
  /** null: tuning is not available. */
  tuner: Tuner | null = null;
  /** null: drawings are not grown. */
  nursery: Nursery | null = null;
  readonly probe: Prober;

  /**
   * @param probe - probes a rule
   * @param sessions - null: sessions are not recorded
   * @param carried - admins whom the registry could not take yet
   * @param guests - default: guests who are forgotten with the process
   * @param log - gets what admins do, and what the operator should read
   */
  constructor(
    world: WorldLink,
    config: Config,
    probe: Prober = makeProber(config),
    sessions: Sessions | null = null,
    carried: readonly AdminRow[] = [],
    guests: Guests = guestsInMemory(config),
    log: Log = plainLog,
  ) {
    this.#log = log;
    const warn = (text: string): void => log.warn(text);
    this.guests = guests;
    this.probe = probe;
    this.#world = world;
    this.desk = new SwapDesk({
      world,
      dataDir: config.dataDir,
      probe,
      announce: (text) => this.#audience.announce(text),
      log: warn,
    });
    this.learned = new LearnedBoard({
      ask: (question) => this.desk.ask(question),
      lastSession: async () => (await sessions?.lastThatHurt()) ?? null,
      log: warn,
    });
    world.onSwap = (outcome) => {
      this.desk.settle(outcome);
      void this.nursery?.swapEnded(outcome);
    };
    const audience = (): Audience => this.#audience;
    const tuner = (): Tuner | null => this.tuner;
    const { desk } = this;
    const ask = <T>(question: (registry: Registry) => T): Promise<T> => desk.ask(question);
    this.#rows = new WaitingRows({
      ask,
      log: warn,
    });
    this.#gate = new Gate({
      ask,
      rows: this.#rows,
      tokenOfSettings: config.adminToken,
      carried,
      log: warn,
    });
    this.#auditUpkeep = new AuditUpkeep({ ask, days: config.auditDays });
    this.#reports = new Reports({ ask, now: () => performance.now() });
    guests.reservedNames = () => this.#gate.names;
    this.#routes = new Routes({
      hasOwnerOfSettings: config.adminToken !== '',
      changed: () => this.#gate.reload(),
      left: (request) => this.#gate.left(request),
      world,
      desk,
      probe,
      guests,
      reports: this.#reports,
      notes: new AuditNotes({ ask, rows: this.#rows }),
      audience,
      tuner,
      nursery: () => this.nursery,
      config,
      sessions,
    });
  }

  get audience(): Audience {
    return this.#audience;
  }

  get routes(): readonly Route[] {
    return this.#routes.all;
  }

  /** The room is open: notices have an audience from now on. */
  attend(audience: Audience): void {
    this.#audience = audience;
  }

  /** Takes a visitor's report. @returns what to tell the visitor */
  async report(message: ReportMessage, by: ReportedBy): Promise<string> {
    try {
      return this.#reports.take(message, by, await this.#subjectOf(message));
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      return 'The world does not answer: try again.';
    }
  }

  async #subjectOf(message: ReportMessage): Promise<Subject | null> {
    if (message.about === 'name') {
      const visit = this.#audience.visits.find(({ id }) => id === message.player);
      if (visit === undefined) return null;
      return { guest: visit.guest, name: visit.name, organism: null, species: '', x: null, y: null };
    }
    const body = await this.#world.ask({ kind: 'inspect', organism: message.organism });
    if (body === null) return null;
    const { guest, planter, id, species, x, y } = body;
    return { guest, name: planter, organism: id, species, x: Math.round(x), y: Math.round(y) };
  }

  /** Who asked for what; the audit log has what was done. */
  #note(request: IncomingMessage, response: ServerResponse, path: string, actor: Actor): void {
    const { who, role, address } = actor;
    const said = `${who} from ${address}: ${request.method} ${path}: ${response.statusCode}`;
    this.#log.info(`admin: ${said}`, { admin: who, role, address, request: requestIdOf(response) });
  }

  dispose(): void {
    this.#gate.dispose();
    this.#auditUpkeep.dispose();
    this.#reports.dispose();
    this.#rows.dispose();
    this.desk.dispose();
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL, caller: Caller): Promise<void> {
    try {
      refuseForeign(request);
      const { pathname } = url;
      if (pathname === '/admin/api/login' || pathname === '/admin/api/logout') {
        if (request.method !== 'POST') throw new Refusal(405, 'POST is expected', { Allow: 'POST' });
        if (pathname === '/admin/api/login') {
          const who = await this.#gate.login(request, response, caller);
          const { address } = caller;
          this.#log.info(`admin: ${who} from ${address} logged in`, { admin: who, address });
          return;
        }
        return this.#gate.logout(request, response, caller);
      }
      const actor = this.#gate.actorOf(request, caller.address);
      try {
        await this.#routes.handle(request, response, url, actor);
      } finally {
        if (request.method !== 'GET')
          response.once('close', () => this.#note(request, response, pathname, actor));
      }
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      const { status, message, headers } = refusalOf(error);
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      // The rest of the body is not waited for.
      if (status === 413) response.once('finish', () => request.destroy());
      replyJson(response, status, { error: message });
    }
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof RegistryError) return new Refusal(503, error.message);
  if (error instanceof RuleError || error instanceof AdminError) return new Refusal(422, error.message);
  if (error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error)) throw error;
  // The world refuses or did not answer in time; the error says which.
  return new Refusal(503, error.message);
}
