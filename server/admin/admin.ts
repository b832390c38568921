/**
 * The one entry of `/admin/api`. It checks once who asks; `routes.ts` does what is asked.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config.ts';
import type { Guests } from '../guests/guests.ts';
import { guestsInMemory } from '../guests/openGuests.ts';
import { replyJson } from '../http/replies.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { RuleError } from '../rules/rule.ts';
import { LearnedBoard } from '../sessions/learned.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { makeProber, type Prober } from '../swaps/prober.ts';
import { SwapDesk } from '../swaps/swapDesk.ts';
import type { Tuner } from '../tuner/tuner.ts';
import type { WorldLink } from '../world/messages.ts';
import { AdminError, type AdminRow } from './adminTable.ts';
import { AuditUpkeep } from './auditUpkeep.ts';
import { Gate } from './gate.ts';
import { Refusal, type Route, refuseForeign } from './requests.ts';
import { Routes } from './routes.ts';
import { WaitingRows } from './waitingRows.ts';
import type { Audience } from './worldRoutes.ts';

/** Stands in until the room is open. */
const NOBODY: Audience = { announce: () => {}, tell: () => {}, visits: [], kick: () => 0 };

export class Admin {
  readonly desk: SwapDesk;
  readonly guests: Guests;
  /** What players read about learned rules when they join. */
  readonly learned: LearnedBoard;
  readonly #gate: Gate;
  readonly #auditUpkeep: AuditUpkeep;
  readonly #routes: Routes;
  readonly #rows: WaitingRows;
  #audience: Audience = NOBODY;
  /** null: tuning is not available. */
  tuner: Tuner | null = null;

  /**
   * @param probe - probes a rule
   * @param sessions - null: sessions are not recorded
   * @param carried - admins whom the registry could not take yet
   * @param guests - default: guests who are forgotten with the process
   */
  constructor(
    world: WorldLink,
    config: Config,
    probe: Prober = makeProber(config),
    sessions: Sessions | null = null,
    carried: readonly AdminRow[] = [],
    guests: Guests = guestsInMemory(config),
  ) {
    this.guests = guests;
    this.desk = new SwapDesk({
      world,
      dataDir: config.dataDir,
      probe,
      announce: (text) => this.#audience.announce(text),
      log: (text) => console.error(text),
    });
    this.learned = new LearnedBoard({
      ask: (question) => this.desk.ask(question),
      lastSession: async () => (await sessions?.lastThatHurt()) ?? null,
      log: (text) => console.error(text),
    });
    world.onSwap = (outcome) => this.desk.settle(outcome);
    const audience = (): Audience => this.#audience;
    const tuner = (): Tuner | null => this.tuner;
    const { desk } = this;
    this.#rows = new WaitingRows({
      ask: (question) => desk.ask(question),
      log: (text) => console.error(text),
    });
    this.#gate = new Gate({
      ask: (question) => desk.ask(question),
      rows: this.#rows,
      tokenOfSettings: config.adminToken,
      carried,
      log: (text) => console.error(text),
    });
    this.#auditUpkeep = new AuditUpkeep({ ask: (question) => desk.ask(question), days: config.auditDays });
    this.#routes = new Routes({
      hasOwnerOfSettings: config.adminToken !== '',
      changed: () => this.#gate.reload(),
      left: (request) => this.#gate.left(request),
      world,
      desk,
      probe,
      guests,
      rows: this.#rows,
      audience,
      tuner,
      config,
      sessions,
    });
  }

  get routes(): readonly Route[] {
    return this.#routes.all;
  }

  /** The room is open: notices have an audience from now on. */
  attend(audience: Audience): void {
    this.#audience = audience;
  }

  dispose(): void {
    this.#gate.dispose();
    this.#auditUpkeep.dispose();
    this.#rows.dispose();
    this.desk.dispose();
  }

  /** @param address - of the client, as the server sees it */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL, address: string): Promise<void> {
    try {
      refuseForeign(request);
      const { pathname } = url;
      if (pathname === '/admin/api/login' || pathname === '/admin/api/logout') {
        if (request.method !== 'POST') throw new Refusal(405, 'POST is expected', { Allow: 'POST' });
        if (pathname === '/admin/api/login') return await this.#gate.login(request, response, address);
        return this.#gate.logout(request, response);
      }
      await this.#routes.handle(request, response, url, this.#gate.actorOf(request, address));
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
