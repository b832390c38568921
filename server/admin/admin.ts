/**
 * The one entry of `/admin/api`. It checks once who asks; `routes.ts` does what is asked.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config.ts';
import { replyJson } from '../http/replies.ts';
import { sanitiseName } from '../rooms/names.ts';
import { BanTable } from '../rules/banTable.ts';
import type { Actor } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { RuleError } from '../rules/rule.ts';
import { LearnedBoard } from '../sessions/learned.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { makeProber, type Prober } from '../swaps/prober.ts';
import { SwapDesk } from '../swaps/swapDesk.ts';
import type { Tuner } from '../tuner/tuner.ts';
import type { WorldLink } from '../world/messages.ts';
import { Bans } from './bans.ts';
import { Lockout } from './lockout.ts';
import { Logins, setCookie } from './logins.ts';
import { Refusal, readJson, refuseForeign } from './requests.ts';
import { Routes } from './routes.ts';
import { type AdminToken, adminToken } from './token.ts';
import { WaitingRows } from './waitingRows.ts';
import type { Audience } from './worldRoutes.ts';

/** Wait before the registry's bans are asked for again; until they are read, banned addresses can join. */
const RETRY_BANS_MS = 1_000;

/** Stands in until the room is open. */
const NOBODY: Audience = { announce: () => {}, guests: [], kick: () => false, mute: () => false };

export class Admin {
  readonly desk: SwapDesk;
  readonly bans = new Bans();
  /** What players read about learned rules when they join. */
  readonly learned: LearnedBoard;
  readonly notes: readonly string[];
  readonly #token: AdminToken;
  readonly #lockout = new Lockout(() => performance.now());
  readonly #logins = new Logins(() => performance.now());
  readonly #routes: Routes;
  readonly #rows: WaitingRows;
  #retry: NodeJS.Timeout | undefined;
  #isDisposed = false;
  #audience: Audience = NOBODY;
  /** null: tuning is not available. */
  tuner: Tuner | null = null;

  /**
   * @param probe - probes a rule
   * @param sessions - null: sessions are not recorded
   * @throws Error when there is no token and none can be made
   */
  constructor(
    world: WorldLink,
    config: Config,
    probe: Prober = makeProber(config),
    sessions: Sessions | null = null,
  ) {
    this.#token = adminToken(config.dataDir, config.adminToken);
    this.notes = this.#token.notes;
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
    const { desk, bans } = this;
    this.#rows = new WaitingRows({
      ask: (question) => desk.ask(question),
      log: (text) => console.error(text),
    });
    this.#routes = new Routes({
      world,
      desk,
      probe,
      bans,
      rows: this.#rows,
      audience,
      tuner,
      config,
      sessions,
    });
    void this.#loadBans();
  }

  async #loadBans(): Promise<void> {
    try {
      this.bans.load(await this.desk.ask((registry) => new BanTable(registry).all()));
    } catch (error) {
      // The desk reports the registry's errors.
      if (!(error instanceof RegistryError)) throw error;
      if (this.#isDisposed) return;
      this.#retry = setTimeout(() => void this.#loadBans(), RETRY_BANS_MS).unref();
    }
  }

  /** The room is open: notices have an audience from now on. */
  attend(audience: Audience): void {
    this.#audience = audience;
  }

  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#retry);
    this.#rows.dispose();
    this.desk.dispose();
  }

  /** @param address - of the client, as the server sees it */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL, address: string): Promise<void> {
    try {
      refuseForeign(request);
      if (url.pathname === '/admin/api/login') return await this.#login(request, response, address);
      const actor = this.#logins.whose(request);
      if (actor === null) throw new Refusal(401, 'not logged in');
      if (url.pathname === '/admin/api/logout') {
        if (request.method !== 'POST') throw new Refusal(405, 'POST is expected', { Allow: 'POST' });
        this.#logins.end(request);
        response.setHeader('Set-Cookie', setCookie('', isSecure(request)));
        return replyJson(response, 200, {});
      }
      await this.#routes.handle(request, response, url, { ...actor, address });
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      const { status, message, headers } = refusalOf(error);
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      // The rest of the body is not waited for.
      if (status === 413) response.once('finish', () => request.destroy());
      replyJson(response, status, { error: message });
    }
  }

  async #login(request: IncomingMessage, response: ServerResponse, address: string): Promise<void> {
    if (request.method !== 'POST') throw new Refusal(405, 'POST is expected', { Allow: 'POST' });
    const waitMs = this.#lockout.waitMs(address);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1_000);
      throw new Refusal(429, `too many wrong tokens: wait ${seconds} s`, { 'Retry-After': String(seconds) });
    }
    const fields = await readJson(request);
    const who = fields.has('name') ? sanitiseName(fields.text('name')) : '';
    const actor: Actor = { who: who || 'an admin', address };
    if (!this.#token.matches(fields.text('token', 1_024))) {
      this.#lockout.fail(address);
      await this.#note(actor, 'login refused', 'wrong token');
      throw new Refusal(401, 'that is not the token');
    }
    this.#lockout.succeed(address);
    await this.#note(actor, 'login', '');
    response.setHeader('Set-Cookie', setCookie(this.#logins.begin(actor), isSecure(request)));
    replyJson(response, 200, { who: actor.who });
  }

  /** A failing registry does not lock an admin out, because an admin can repair it. */
  async #note(actor: Actor, action: string, detail: string): Promise<void> {
    await this.desk
      .ask((registry) => registry.audit.note(actor, action, '', detail))
      .catch((error) => console.error(`${action} by ${actor.who} from ${actor.address}; ${error.message}`));
  }
}

/** True if the proxy in front speaks TLS. If that is wrong, the browser only refuses the cookie. */
function isSecure(request: IncomingMessage): boolean {
  return request.headers['x-forwarded-proto'] === 'https' || 'encrypted' in request.socket;
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof RegistryError) return new Refusal(503, error.message);
  if (error instanceof RuleError) return new Refusal(422, error.message);
  if (error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error)) throw error;
  // The world refuses or did not answer in time; the error says which.
  return new Refusal(503, error.message);
}
