/** Whether a stroke can be paid, in the words that its player reads. Server and client ask here. */
import type { Budget } from './protocol.ts';

/** Longer waits are not told in seconds: what slows refilling may end before. */
const MAX_TOLD_SECONDS = 600;

/**
 * @param cost - cells, at most a budget's capacity
 * @returns which limit was met and when it is over; null: there is enough
 */
export function energyFault(budget: Budget, cost: number): string | null {
  const missing = cost - budget.cells;
  if (missing <= 0) return null;
  const seconds = Math.ceil(missing / budget.perSecond);
  const wait = seconds <= MAX_TOLD_SECONDS ? `${seconds} s` : 'the world gives none at the moment';
  return budget.limit === 'address'
    ? `Your address has used its energy: ${wait}.`
    : `Not enough energy: ${wait}.`;
}
