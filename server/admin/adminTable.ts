/** The table `admins` of the registry's file: who may log in at `/admin`, as what, and with which token. */
import { createHash, randomBytes } from 'node:crypto';
import type { AdminRecord, Role } from '../../shared/adminPeople.ts';
import type { Actor, Registry } from '../rules/registry.ts';

const TOKEN_BYTES = 24;
const MAX_ADMINS = 64;
const MAX_ADMIN_NAME = 24;

/** Letters and digits of any script; single spaces, dots, underscores and hyphens between them. */
const NAME = /^[\p{L}\p{N}]+(?:[ ._-][\p{L}\p{N}]+)*$/u;
/** The audit log uses them for what no admin of this table has done. */
const RESERVED = ['the server', 'the tuner', 'the nursery', 'the owner', 'somebody', 'command line'];

/** What was asked for cannot be done; the message is for the owner to read. */
export class AdminError extends Error {
  override name = 'AdminError';
}

export interface AdminRow extends AdminRecord {
  /** sha-256 of the token, hex. */
  readonly hash: string;
}

export const makeToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** @throws AdminError when it is not a name that an admin may have */
export function checkAdminName(text: string): string {
  const name = text.normalize('NFC');
  if (name.length > MAX_ADMIN_NAME || !NAME.test(name))
    throw new AdminError(
      `${JSON.stringify(text.slice(0, 64))} is not an admin's name: letters and digits, at most ${MAX_ADMIN_NAME}, with single spaces, dots or hyphens between them`,
    );
  if (RESERVED.includes(name.toLowerCase()))
    throw new AdminError(`the name ${name} is reserved for the server`);
  return name;
}

/** Every method throws a RegistryError when the file cannot be read or written. */
export class AdminTable {
  readonly #registry: Pick<Registry, 'file' | 'audit'>;

  constructor(registry: Pick<Registry, 'file' | 'audit'>) {
    this.#registry = registry;
  }

  /** In the order in which they were added. */
  all(): AdminRow[] {
    return this.#registry.file
      .all<AdminRow>('SELECT name, role, hash, created, used FROM admins ORDER BY rowid')
      .map((row) => ({ ...row }));
  }

  /**
   * @param hash - of the new admin's token
   * @throws AdminError when the name is taken or there are too many admins
   */
  add(name: string, role: Role, hash: string, actor: Actor): void {
    const { file, audit } = this.#registry;
    checkAdminName(name);
    file.change(() => {
      const all = this.all();
      if (all.some((one) => isSame(one.name, name)))
        throw new AdminError(`there is already an admin called ${name}`);
      if (all.length >= MAX_ADMINS)
        throw new AdminError(`there are ${MAX_ADMINS} admins, and more are not allowed`);
      const created = new Date().toISOString();
      file.write(
        "INSERT INTO admins (name, role, hash, created, used) VALUES (?, ?, ?, ?, '')",
        name,
        role,
        hash,
        created,
      );
      audit.note(actor, 'add admin', name, role);
    });
  }

  /**
   * Replaces an admin's token, which logs them out everywhere.
   *
   * @returns the admin's name as the table has it
   * @throws AdminError when there is no such admin
   */
  rotate(name: string, hash: string, actor: Actor): string {
    const { file, audit } = this.#registry;
    return file.change(() => {
      const known = this.#find(name);
      file.write('UPDATE admins SET hash = ? WHERE name = ?', hash, known.name);
      audit.note(actor, 'rotate token', known.name, '');
      return known.name;
    });
  }

  /** @returns the admin's name as the table had it @throws AdminError when there is no such admin */
  revoke(name: string, actor: Actor): string {
    const { file, audit } = this.#registry;
    return file.change(() => {
      const known = this.#find(name);
      file.write('DELETE FROM admins WHERE name = ?', known.name);
      audit.note(actor, 'revoke admin', known.name, known.role);
      return known.name;
    });
  }

  /** Notes that an admin has logged in. @param at - ISO 8601 */
  used(name: string, at: string): void {
    const { file } = this.#registry;
    file.change(() => file.write('UPDATE admins SET used = ? WHERE name = ?', at, name));
  }

  #find(name: string): AdminRow {
    const known = this.all().find((one) => isSame(one.name, name));
    if (known === undefined) throw new AdminError(`there is no admin ${name}`);
    return known;
  }
}

const isSame = (a: string, b: string): boolean =>
  a.normalize('NFC').toLowerCase() === b.normalize('NFC').toLowerCase();
