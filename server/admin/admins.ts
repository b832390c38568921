/** Who may log in, as this process knows it: the admins of the registry, and the owner of the settings. */
import { timingSafeEqual } from 'node:crypto';
import { type AdminRow, hashToken } from './adminTable.ts';

/** The admin whose token is `--admin-token`. */
const OWNER_OF_SETTINGS = 'the owner';

export class Admins {
  readonly #ofSettings: readonly AdminRow[];
  #ofRegistry: readonly AdminRow[] = [];

  /** @param token - of the settings; empty: none */
  constructor(token: string) {
    const row = { name: OWNER_OF_SETTINGS, role: 'owner', created: '', used: '' } as const;
    this.#ofSettings = token === '' ? [] : [{ ...row, hash: hashToken(token) }];
  }

  get names(): readonly string[] {
    return this.#ofRegistry.map(({ name }) => name);
  }

  /** Takes over what the registry holds now. */
  load(rows: readonly AdminRow[]): void {
    this.#ofRegistry = rows;
  }

  /** The admin whose token it is; null: nobody's. The time it takes says nothing about the tokens. */
  whose(token: string): AdminRow | null {
    const offered = Buffer.from(hashToken(token));
    let found: AdminRow | null = null;
    for (const admin of [...this.#ofSettings, ...this.#ofRegistry])
      if (timingSafeEqual(offered, Buffer.from(admin.hash))) found = admin;
    return found;
  }

  /** Whether an admin is still one, with the same token and role. */
  knows({ name, role, hash }: AdminRow): boolean {
    return [...this.#ofSettings, ...this.#ofRegistry].some(
      (one) => one.name === name && one.role === role && one.hash === hash,
    );
  }
}
