/** The registry's records, as its callers see them. */
import type { RuleOrigin, RuleRecord, RuleStatus, SwapScope } from '../../shared/adminApi.ts';

export type {
  RuleOrigin,
  RuleRecord,
  RuleStatus,
  SwapRecord,
  SwapScope,
  SwapStatus,
} from '../../shared/adminApi.ts';
export type { Actor, AuditEntry } from '../../shared/adminPeople.ts';

export interface RuleInForce extends RuleRecord {
  /** The swap that put it there. */
  readonly swap: number;
  /** The server put it there because `weights/` holds it; no admin chose it. */
  readonly isShipped: boolean;
}

export interface NewRule {
  readonly bytes: Uint8Array;
  readonly origin: RuleOrigin;
  readonly status?: RuleStatus;
  readonly parent?: number;
  /** Default: `metrics` of the file's metadata. */
  readonly metrics?: Readonly<Record<string, unknown>>;
}

export interface NewSwap {
  readonly species: string;
  readonly rule: number;
  readonly scope: SwapScope;
  readonly organism?: number;
}
