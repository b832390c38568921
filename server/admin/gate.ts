/** Who asks: tokens become logins here, logins end here, and the audit log gets both. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type LoginLeft, POLL_HEADER } from '../../shared/adminPeople.ts';
import { replyJson } from '../http/replies.ts';
import { type Actor, type Registry, SERVER } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { Admins } from './admins.ts';
import { type AdminRow, AdminTable } from './adminTable.ts';
import { FailedLogins } from './failedLogins.ts';
import { type Login, type LoginEnd, Logins, MAX_IDLE_MS, MAX_LOGIN_MS, setCookie } from './logins.ts';
import { Refusal, readJson } from './requests.ts';
import type { WaitingRows } from './waitingRows.ts';
import { WrongTokens } from './wrongTokens.ts';

/** How soon an admin whom the command line has revoked is logged out. */
const RELOAD_MS = 1_000;
const FLUSH_MS = 5_000;
const MAX_TOKEN = 1_024;

const WHY: Readonly<Record<LoginEnd, string>> = {
  idle: `nothing was done for ${MAX_IDLE_MS / 60_000} min`,
  old: `after ${MAX_LOGIN_MS / 3_600_000} h`,
  replaced: 'by newer logins of the same admin',
  revoked: 'the token or the role was changed',
  'logged out': '',
};

/** What the server knows of the sender of a request. */
export interface Caller {
  /** An IPv4 address, or a /64 of IPv6. */
  readonly address: string;
  /** The browser speaks TLS. */
  readonly isSecure: boolean;
}

export interface GateOptions {
  /** Asks the registry. @throws RegistryError when that is not possible now */
  ask<T>(question: (registry: Registry) => T): Promise<T>;
  readonly rows: WaitingRows;
  /** Empty: the settings have none. */
  readonly tokenOfSettings: string;
  /** Admins whom the registry could not take yet. */
  readonly carried: readonly AdminRow[];
  /** Gets what the operator should read. */
  log(text: string): void;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #admins: Admins;
  readonly #logins: Logins;
  readonly #wrong = new WrongTokens(() => performance.now());
  readonly #failed = new FailedLogins();
  readonly #timers: readonly NodeJS.Timeout[];
  /** Resolves when the registry has been asked once. */
  readonly #begun: Promise<void>;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#admins = new Admins(options.tokenOfSettings);
    this.#admins.load(options.carried);
    this.#logins = new Logins({
      now: () => performance.now(),
      isKnown: (admin) => this.#admins.knows(admin),
      ended: (login, why) => this.#noteEnd(login, why),
    });
    this.#begun = this.reload();
    this.#timers = [
      setInterval(() => void this.reload(), RELOAD_MS).unref(),
      setInterval(() => void this.#flush(), FLUSH_MS).unref(),
    ];
  }

  dispose(): void {
    for (const timer of this.#timers) clearInterval(timer);
    void this.#flush();
  }

  /** Takes over the registry's admins, and logs out those who were revoked. While the registry fails, all stay. */
  async reload(): Promise<void> {
    try {
      const rows = await this.#options.ask((registry) => new AdminTable(registry).all());
      this.#admins.load([...this.#options.carried, ...rows]);
    } catch (error) {
      // The desk reports the registry's errors.
      if (!(error instanceof RegistryError)) throw error;
    }
    this.#logins.sweep();
  }

  /** @param address - of the client: an IPv4 address, or a /64 of IPv6 @throws Refusal when nobody is logged in */
  actorOf(request: IncomingMessage, address: string): Actor {
    const isPoll = request.headers[POLL_HEADER] !== undefined;
    const login = this.#logins.whose(request, !isPoll);
    if (login === null) throw new Refusal(401, 'not logged in');
    const { name, role } = login.admin;
    return { who: name, role, address };
  }

  /** The admins' names, which no guest may take. */
  get names(): readonly string[] {
    return this.#admins.names;
  }

  left(request: IncomingMessage): LoginLeft {
    return this.#logins.left(request);
  }

  /** A right token is never refused; wrong ones from one address are soon answered with 429. @returns whose it is */
  async login(
    request: IncomingMessage,
    response: ServerResponse,
    { address, isSecure }: Caller,
  ): Promise<string> {
    const token = (await readJson(request)).text('token', MAX_TOKEN);
    await this.#begun;
    const admin = this.#admins.whose(token);
    if (admin === null) {
      const waitMs = this.#wrong.fail(address);
      this.#failed.note(address, Date.now());
      if (waitMs === 0) throw new Refusal(401, 'that is not the token of an admin');
      const seconds = Math.ceil(waitMs / 1_000);
      throw new Refusal(429, `too many wrong tokens: wait ${seconds} s`, { 'Retry-After': String(seconds) });
    }
    this.#wrong.succeed(address);
    // They see at once what was tried before.
    void this.#flush();
    const { name, role } = admin;
    const at = new Date().toISOString();
    // A failing registry does not lock an admin out, because an admin can repair it.
    void this.#options.rows.write({
      text: `login by ${name} from ${address}`,
      enter: (registry) =>
        registry.file.change(() => {
          new AdminTable(registry).used(name, at);
          registry.audit.note({ who: name, role, address }, 'login', name, '', at);
        }),
    });
    response.setHeader('Set-Cookie', setCookie(this.#logins.begin(admin, address), isSecure));
    replyJson(response, 200, { who: name, role });
    return name;
  }

  logout(request: IncomingMessage, response: ServerResponse, { isSecure }: Caller): void {
    this.#logins.end(request);
    response.setHeader('Set-Cookie', setCookie('', isSecure));
    replyJson(response, 200, {});
  }

  #noteEnd({ admin: { name, role }, address }: Login, why: LoginEnd): void {
    const at = new Date().toISOString();
    const actor = why === 'logged out' ? { who: name, role, address } : SERVER;
    void this.#options.rows.write({
      text: `logout of ${name}: ${WHY[why]}`,
      enter: ({ audit }) => audit.note(actor, 'logout', name, WHY[why], at),
    });
  }

  async #flush(): Promise<void> {
    try {
      await this.#options.ask((registry) => this.#failed.flush(registry, Date.now()));
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
    }
  }
}
