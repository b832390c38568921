/**
 * What limits count by. An *address* is an IPv4 address, or the /64 of an IPv6 one, because a home has 2^64 of those. A
 * *network* is the /48 of an IPv6 address: who has one, has 65,536 addresses. It may have as much as a few addresses.
 */
import { isIP, SocketAddress } from 'node:net';

/** A network may have as much as so many of its addresses, however many it has. */
export const MAX_ADDRESSES_OF_NETWORK = 8;

/**
 * What every limit by address counts under, and what is shown and recorded of an address.
 *
 * @param text - an IP address as a socket or a proxy writes it: also IPv4 inside IPv6, with a zone, with a port
 * @returns the IPv4 address, or the first address of the IPv6 address's /64 ("2001:db8:1:2::"); empty: `text` is no
 *   IP address
 */
export function addressKey(text: string): string {
  const address = plainAddress(text);
  if (!address.includes(':')) return address;
  const [head, tail = ''] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  // An address without "::" names all eight groups; one that ends in dotted IPv4 has its last two there.
  const missing =
    8 - before.length - (tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0));
  const groups = [...before, ...Array<string>(Math.max(0, missing)).fill('0'), ...tail.split(':')].slice(
    0,
    4,
  );
  return new SocketAddress({ address: `${groups.join(':')}::`, family: 'ipv6' }).address;
}

/**
 * @param text - as `addressKey` takes it
 * @returns the whole address in its usual form, without port and zone, IPv4 inside IPv6 as IPv4; empty: `text` is no IP
 *   address
 */
export function plainAddress(text: string): string {
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text.trim()) ?? [];
  const [bare] = (bracketed ?? dotted ?? text.trim()).split('%');
  const family = isIP(bare);
  if (family === 4) return bare;
  if (family === 0) return '';
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' });
  return /^::ffff:([\d.]+)$/.exec(address)?.[1] ?? address;
}

/**
 * The network of an address.
 *
 * @param address - as `addressKey` writes it
 * @returns "2001:db8:1::/48"; empty: an IPv4 address, which is in no network that limits know
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return '';
  const [head] = address.split('::');
  const groups = head === '' ? [] : head.split(':').slice(0, 3);
  while (groups.length < 3) groups.push('0');
  return `${new SocketAddress({ address: `${groups.join(':')}::`, family: 'ipv6' }).address}/48`;
}

/**
 * What a person has written.
 *
 * @param text - an IP address, or the /48 of an IPv6 one: "2001:db8:1::/48"
 * @returns an address or a network; empty: `text` is neither
 */
export function readParty(text: string): string {
  const [, prefix] = /^(.*)\/48$/.exec(text.trim()) ?? [];
  return prefix === undefined ? addressKey(text) : networkOf(addressKey(prefix));
}

/** Whose turn it is, where turns go round: a network takes turns as one address does. */
export const partyOf = (address: string): string => networkOf(address) || address;
