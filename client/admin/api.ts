/** The admin's side of `/admin/api`: what it answers, and errors as the server worded them. */
import type { Species, StatsMessage } from '../../shared/protocol.ts';

export interface RuleEntry {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  readonly label: string;
  readonly parentLabel: string | null;
  readonly origin: string;
  readonly status: string;
  readonly sha256: string;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly created: string;
  readonly bytes: number;
  readonly inForceFor: readonly string[];
}

export interface SwapEntry {
  readonly id: number;
  readonly species: string;
  readonly label: string;
  readonly scope: string;
  readonly organism: number | null;
  readonly status: string;
  readonly reason: string;
  readonly who: string;
  readonly created: string;
}

export interface RulesAnswer {
  readonly rules: readonly RuleEntry[];
  readonly species: readonly { readonly species: string; readonly rule: number }[];
  readonly swaps: readonly SwapEntry[];
}

export interface ProbeAnswer {
  readonly thumbnail: string;
  readonly width: number;
  readonly height: number;
  readonly figures: {
    readonly cells: number;
    readonly healthGrown: number;
    readonly healthCut: number;
    readonly healthHealed: number;
  };
  readonly film: {
    readonly width: number;
    readonly height: number;
    readonly frames: number;
    readonly stepsPerFrame: number;
    readonly cutFrame: number;
  };
}

export interface Player {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly seconds: number;
  readonly strokes: number;
  readonly isMuted: boolean;
}

export interface LiveAnswer {
  readonly who: string;
  readonly stats: Omit<StatsMessage, 'players'> | null;
  /** As it was set; 0: paused. */
  readonly stepsPerSecond: number;
  readonly uptimeSeconds: number;
  readonly rssBytes: number;
  readonly engine: string;
  readonly width: number;
  readonly height: number;
  readonly species: readonly Species[];
  readonly players: readonly Player[];
  readonly bans: readonly { readonly address: string; readonly until: string; readonly reason: string }[];
}

export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  readonly who: string;
  readonly address: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
}

export interface RunningSession {
  readonly beganAt: string;
  readonly atOnce: number;
  readonly players: number;
  readonly mostAtOnce: number;
  readonly strokes: number;
  readonly refusedStrokes: number;
  readonly wounds: number;
  readonly healed: number;
  readonly openWounds: number;
  readonly droppedWounds: number;
}

/** A record that cannot be read says why. */
export type PastSession =
  | { readonly id: string; readonly fault: string }
  | {
      readonly id: string;
      readonly beganAt: string;
      readonly endedAt: string;
      readonly endedBy: string;
      readonly players: number;
      readonly strokes: number;
      readonly droppedWounds: number;
      readonly damage: readonly {
        readonly species: string;
        readonly wounds: number;
        readonly healed: number;
      }[];
    };

export interface SessionsAnswer {
  readonly running: RunningSession | null;
  /** Newest first. */
  readonly past: readonly PastSession[];
}

export interface OrganismEntry {
  readonly id: number;
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly health: number;
}

export interface TunerView {
  readonly mode: 'off' | 'manual' | 'auto';
  readonly state:
    | 'off'
    | 'idle'
    | 'paused'
    | 'waiting'
    | 'preparing'
    | 'measuring'
    | 'training'
    | 'comparing';
  readonly job: {
    readonly species: string;
    readonly session: string;
    readonly wounds: number;
    readonly incumbent: string;
    readonly done: number;
    readonly planned: number;
    readonly loss: number | null;
    readonly seconds: number;
    readonly budgetSeconds: number;
  } | null;
  readonly losses: readonly (readonly [number, number])[];
  readonly probes: readonly (readonly [number, number])[];
  readonly queue: readonly string[];
  readonly pauseMs: number | null;
  readonly notes: readonly { readonly at: string; readonly text: string }[];
}

/** `message` is the server's own words. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const BASE = '/admin/api/';

/** @throws ApiError; status 0: nobody answered */
export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const isFile = body instanceof Blob;
  const init: RequestInit = { method, headers: {} };
  if (isFile) init.body = body;
  else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'Content-Type': 'application/json' };
  }
  let response: Response;
  try {
    response = await fetch(`${BASE}${path}`, init);
  } catch {
    throw new ApiError(0, 'the server does not answer');
  }
  const answer = (await response.json().catch(() => ({}))) as T & { readonly error?: string };
  if (!response.ok) throw new ApiError(response.status, answer.error ?? `the server said ${response.status}`);
  return answer;
}

export const filmUrl = (rule: number): string => `${BASE}rules/${rule}/film.png`;
export const fileUrl = (rule: number): string => `${BASE}rules/${rule}/file`;
export const healingFilmUrl = (rule: number): string => `${BASE}tuner/films/${rule}.png`;
