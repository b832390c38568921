/** Whose drawing is learned next. */
import { partyOf } from '../../address.ts';
import { FairQueue } from '../../fairQueue.ts';
import type { DrawingRow } from './drawingTable.ts';

/** The part of a row that decides. */
export type Turn = Pick<DrawingRow, 'id' | 'guest' | 'address' | 'begun'>;

/**
 * Turns go round addresses (networks), and within one round its guests; who has waited longest since their last turn
 * comes first. It follows from the rows alone, so a restart changes nothing.
 *
 * @param waiting - those that wait for their turn
 * @param begun - those that have had one
 */
export function turnOrder<T extends Turn>(waiting: readonly T[], begun: readonly Turn[]): T[] {
  /** When the last turn of a party, an address and a guest was; absent: it has had none. */
  const last = new Map<string, string>();
  for (const one of begun)
    for (const key of keysOf(one)) if ((last.get(key) ?? '') < one.begun) last.set(key, one.begun);
  const rank = (one: T): string[] => keysOf(one).map((key) => last.get(key) ?? '');
  const ranked = waiting.map((one) => ({ one, rank: rank(one) }));
  ranked.sort((a, b) => {
    for (let i = 0; i < a.rank.length; i++)
      if (a.rank[i] !== b.rank[i]) return a.rank[i] < b.rank[i] ? -1 : 1;
    return a.one.id - b.one.id;
  });
  const most = { max: Infinity, maxPerAddress: Infinity, maxPerGuest: Infinity };
  const queue = new FairQueue<T>(most);
  for (const { one } of ranked) queue.push(one, one);
  return Array.from({ length: queue.size }, () => queue.take()!);
}

const keysOf = ({ guest, address }: Turn): string[] => [
  `party ${partyOf(address)}`,
  `address ${address}`,
  `guest ${guest}`,
];
