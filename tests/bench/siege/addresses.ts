/**
 * Who comes from where: Linux answers on all of 127/8, so each of these is another address to the server, which listens
 * on 127.0.0.1. The benchmark itself asks from there.
 */

/** Every honest player is alone at their address. @param index - from 0; 0 is the observer */
export const honestAddress = (index: number): string => inNet(1, index + 1);

/** Honest visitors who do not play. */
export const NEWCOMER_ADDRESS = inNet(1, 201);
export const VISITOR_ADDRESS = inNet(1, 202);
export const ADMIN_ADDRESS = inNet(1, 203);

/** @returns `count` addresses of attackers. @param first - from 0 */
export const attackerAddresses = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => inNet(2, first + i + 1));

/** Guessing tokens from one address is hopeless: whoever wants to lock an admin out has many. */
export const GUESSER_ADDRESSES: readonly string[] = Array.from({ length: 250 }, (_, i) => inNet(4, i + 1));

/** @throws RangeError for a host that is not 1..254 */
function inNet(net: number, host: number): string {
  if (host < 1 || host > 254) throw new RangeError(`127.0.${net}.${host} is no host's address`);
  return `127.0.${net}.${host}`;
}
