/** The registry's records, as its callers see them. */

export type RuleOrigin = 'shipped' | 'uploaded' | 'trained' | 'tuned';
/** `candidate`: tuned and better, but not swapped in; `rejected`: tuned and not better, or refused by an admin. */
export type RuleStatus = 'ready' | 'candidate' | 'rejected';
export type SwapScope = 'organism' | 'species' | 'planted';
/**
 * `wanted`: not done yet; `watched`: done, and may be rolled back; `superseded`: another swap took its place while it
 * was watched.
 */
export type SwapStatus = 'wanted' | 'watched' | 'in force' | 'refused' | 'rolled back' | 'superseded';

/** Who does something. */
export interface Actor {
  readonly who: string;
  /** An IP address, or `command line`. */
  readonly address: string;
}

export interface RuleRecord {
  readonly id: number;
  readonly name: string;
  /** 1, 2, 3 … per name. */
  readonly version: number;
  /** The rule that it was made from. */
  readonly parent: number | null;
  readonly origin: RuleOrigin;
  readonly status: RuleStatus;
  /** Hash of the file's bytes, hex. */
  readonly sha256: string;
  readonly metrics: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly created: string;
  readonly bytes: number;
}

export interface RuleInForce extends RuleRecord {
  /** The swap that put it there. */
  readonly swap: number;
  /** The server put it there because `weights/` holds it; no admin chose it. */
  readonly isShipped: boolean;
}

export interface SwapRecord {
  readonly id: number;
  /** The species whose rule is swapped; the rule may have another name. */
  readonly species: string;
  readonly rule: number;
  readonly scope: SwapScope;
  /** The canary of scope `organism`. */
  readonly organism: number | null;
  readonly status: SwapStatus;
  /** Why it was refused or rolled back. */
  readonly reason: string;
  readonly who: string;
  readonly address: string;
  readonly created: string;
}

export interface AuditEntry extends Actor {
  readonly id: number;
  readonly at: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
}

/** An address that may not join. */
export interface BanRecord {
  readonly address: string;
  /** ISO 8601; empty: until an admin lifts it. */
  readonly until: string;
  readonly reason: string;
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
