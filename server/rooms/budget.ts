/** A player's budget as a token bucket, and as the client is told. */
import { BUDGET_CELLS, BUDGET_CELLS_PER_SECOND } from '../../shared/limits.ts';
import type { Budget } from '../../shared/protocol.ts';
import { TokenBucket } from '../stream/deliver/tokenBucket.ts';

export const strokeBudget = (nowMs: number): TokenBucket =>
  new TokenBucket(BUDGET_CELLS, BUDGET_CELLS_PER_SECOND, nowMs);

export function budgetOf(bucket: TokenBucket, nowMs: number): Budget {
  return {
    cells: Math.floor(bucket.tokens(nowMs)),
    capacity: bucket.capacity,
    perSecond: bucket.perSecond,
  };
}
