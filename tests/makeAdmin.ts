/** Makes an admin in a data directory, as `npm run admin -- add` does; a running server knows them within a second. */
import { AdminTable, hashToken, makeToken } from '../server/admin/adminTable.ts';
import { Registry } from '../server/rules/registry.ts';
import type { Role } from '../shared/adminPeople.ts';

/** @returns the token */
export function makeAdmin(dataDir: string, name: string, role: Role = 'owner'): string {
  const registry = new Registry(dataDir, 5_000);
  try {
    const token = makeToken();
    new AdminTable(registry).add(name, role, hashToken(token), { who: 'a test', address: '' });
    return token;
  } finally {
    registry.close();
  }
}
