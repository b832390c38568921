/** `/admin/api/admins`: owners add, rotate and revoke admins. */
import { type AdminsAnswer, ROLES, type TokenAnswer } from '../../shared/adminPeople.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import { AdminTable, checkAdminName, hashToken, makeToken } from './adminTable.ts';
import { type Call, type Route, readJson } from './requests.ts';

export interface AdminRoutesOptions {
  readonly desk: SwapDesk;
  readonly hasOwnerOfSettings: boolean;
  /** Called after a change; resolves when it is in effect. */
  readonly changed: () => Promise<void>;
}

export class AdminRoutes {
  readonly all: readonly Route[];
  readonly #options: AdminRoutesOptions;

  constructor(options: AdminRoutesOptions) {
    this.#options = options;
    this.all = [
      ['GET', /^admins$/, 'owner', () => this.#list()],
      ['POST', /^admins$/, 'owner', (call) => this.#add(call)],
      ['POST', /^admins\/([^/]{1,128})$/, 'owner', (call) => this.#rotate(call)],
      ['DELETE', /^admins\/([^/]{1,128})$/, 'owner', (call) => this.#revoke(call)],
    ];
  }

  async #list(): Promise<AdminsAnswer> {
    const { desk, hasOwnerOfSettings } = this.#options;
    const rows = await desk.ask((registry) => new AdminTable(registry).all());
    return { admins: rows.map(({ hash: _, ...admin }) => admin), hasOwnerOfSettings };
  }

  async #add({ request, actor }: Call): Promise<TokenAnswer> {
    const fields = await readJson(request);
    const name = checkAdminName(fields.text('name'));
    const role = fields.oneOf('role', ROLES);
    const token = makeToken();
    await this.#options.desk.ask((registry) =>
      new AdminTable(registry).add(name, role, hashToken(token), actor),
    );
    await this.#options.changed();
    return { name, token };
  }

  /** The admin is logged out everywhere; an owner who rotates their own token, too. */
  async #rotate({ request, part, actor }: Call): Promise<TokenAnswer> {
    (await readJson(request)).oneOf('action', ['rotate']);
    const token = makeToken();
    const name = await this.#options.desk.ask((registry) =>
      new AdminTable(registry).rotate(part, hashToken(token), actor),
    );
    await this.#options.changed();
    return { name, token };
  }

  async #revoke({ part, actor }: Call): Promise<unknown> {
    await this.#options.desk.ask((registry) => new AdminTable(registry).revoke(part, actor));
    await this.#options.changed();
    return {};
  }
}
