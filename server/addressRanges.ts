/** A list of addresses and ranges, as settings write it, and who is in it. */
import { BlockList, isIP } from 'node:net';

/** Names that a list may hold beside addresses and ranges. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  // RFC 1918, RFC 4193, and both families' link-local addresses.
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'],
  all: ['0.0.0.0/0', '::/0'],
  none: [],
};

const MAX_ENTRIES = 256;
const BITS = { ipv4: 32, ipv6: 128 } as const;

export class AddressRanges {
  // One list per family: Node's BlockList finds every IPv4 address in a range like ::/64.
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() };

  /** @throws RangeError that names the entry that is wrong */
  constructor(list: string) {
    const entries = list
      .split(',')
      .map((entry) => entry.trim())
      .flatMap((entry) => (Object.hasOwn(NAMED, entry) ? NAMED[entry] : [entry]));
    if (entries.length > MAX_ENTRIES) throw new RangeError(`more than ${MAX_ENTRIES} entries`);
    for (const entry of entries) this.#add(entry);
  }

  #add(entry: string): void {
    const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
    const family = familyOf(address);
    const bits = family === null ? Number.NaN : Number(prefix ?? BITS[family]);
    if (family === null || bits > BITS[family]) throw new RangeError(`"${entry}" is no address or range`);
    this.#lists[family].addSubnet(address, bits, family);
  }

  /** @param address - as `plainAddress` writes it; empty: not known, which is in no list */
  has(address: string): boolean {
    const family = familyOf(address);
    return family !== null && this.#lists[family].check(address, family);
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' | null {
  const family = isIP(address);
  if (family === 0) return null;
  return family === 4 ? 'ipv4' : 'ipv6';
}
