/** Every attack, by name, in the order in which they are tried. */
import { DOWNLOADS } from './downloads.ts';
import { NONSENSE, OWN_ADDRESSES } from './nonsense.ts';
import { PLAYERS } from './players.ts';
import type { Attack } from './siege.ts';
import { SOCKETS } from './sockets.ts';

/** The same procedure without an attacker: what its figures say is the machine's noise. */
const none: Attack = { what: 'nobody attacks', run: (siege) => siege.pause(1_000 * siege.task.seconds) };

export const ATTACKS: Readonly<Record<string, Attack>> = {
  none,
  ...DOWNLOADS,
  ...PLAYERS,
  ...SOCKETS,
  ...NONSENSE,
};

/** @param given - addresses that attackers use, when this attack has none of its own */
export const addressesOf = (attack: string, given: readonly string[]): readonly string[] =>
  OWN_ADDRESSES[attack] ?? given;
