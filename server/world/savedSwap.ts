/** A watched swap as it is saved and journaled: its watch goes on after a restart. */
import type { OrganismId } from '../engines/engine.ts';
import type { SwapOrder } from './messages.ts';
import type { Before } from './swapWatch.ts';

/** Rules are named by the sha256 (hex) of their files; all are of the order's species. */
export interface SavedSwap {
  readonly order: SwapOrder;
  readonly rule: string;
  /** The rule that comes back into force; null: the species is new. */
  readonly fallback: string | null;
  /** The rule that each organism goes back to. */
  readonly proven: readonly (readonly [OrganismId, string])[];
  /** The rule that each organism lived by before this swap. */
  readonly prior: readonly (readonly [OrganismId, string])[];
  /** uint32 */
  readonly startStep: number;
  /** All that were moved. Of an earlier version: those that are judged. */
  readonly before: readonly (readonly [OrganismId, Before])[];
  /** Those that are not judged any more. Absent, of an earlier version: none. */
  readonly struck?: readonly OrganismId[];
  /** Organisms whose bodies are set aside. */
  readonly bodies: readonly OrganismId[];
  /** Where each of them stood then. Absent, of an earlier version: where it stands. */
  readonly places?: readonly (readonly [OrganismId, x: number, y: number])[];
  /** How often the process has died while this swap was watched. */
  readonly deaths: number;
}
