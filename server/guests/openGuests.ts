/** Opens the guests of a data directory, or of no directory at all. */
import { randomBytes } from 'node:crypto';
import { Registry } from '../rules/registry.ts';
import { Guests, type GuestsOptions } from './guests.ts';
import { GuestTable } from './guestTable.ts';
import { SanctionTable } from './sanctionTable.ts';
import { GuestTokens, KEY_BYTES, readKey } from './token.ts';

/** At the start no frame is due, so another program that writes is waited for. */
const MAX_BUSY_MS = 5_000;

type Limits = Pick<GuestsOptions, 'guestsPerAddress' | 'energyPerAddress'>;

/**
 * @param log - gets what the operator should read
 * @throws Error when the key or the registry cannot be read: nobody would be known, and no ban would hold
 */
export function openGuests(
  { dataDir, ...limits }: Limits & { readonly dataDir: string },
  log: (line: string) => void,
): Guests {
  const registry = new Registry(dataDir, MAX_BUSY_MS);
  try {
    const guests = new Guests({
      ...limits,
      tokens: new GuestTokens(readKey(dataDir)),
      keep: new GuestTable(dataDir),
      log,
    });
    guests.sanctions.load(new SanctionTable(registry).load());
    return guests;
  } finally {
    registry.close();
  }
}

/** Guests who are forgotten with the process. */
export const guestsInMemory = (limits: Limits): Guests =>
  new Guests({ ...limits, tokens: new GuestTokens(randomBytes(KEY_BYTES)), keep: null, log: () => {} });
