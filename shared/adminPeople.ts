/**
 * What `/admin/api` tells of people: admins and their logins, guests and what they did, sanctions, reports, and the audit
 * log.
 */
import type { Absence, ReportReason, Tool } from './protocol.ts';

/** One visit of a guest: a tab. */
export interface Player {
  /** The visit's. */
  readonly id: string;
  /** Id of the guest, the same over reloads and restarts. */
  readonly guest: string;
  readonly name: string;
  readonly address: string;
  readonly seconds: number;
  /** Strokes that the world has applied. */
  readonly strokes: number;
  readonly isMuted: boolean;
}

/** `mute`: no tools; `ban`: may not join. */
export type SanctionKind = 'mute' | 'ban';

/**
 * With a guest alone, it concerns them wherever they are; with an address (or the /48 of IPv6 ones) alone, everybody from
 * there. With both, the guest, and those at that address who were newcomers when it began.
 */
export interface Sanction {
  readonly id: string;
  readonly kind: SanctionKind;
  /** Id of the guest; empty: everybody from the address. */
  readonly guest: string;
  /** Empty: the guest alone. */
  readonly address: string;
  /** What the guest was called; empty: not known. */
  readonly name: string;
  /** ISO 8601. */
  readonly since: string;
  /** ISO 8601; empty: until an admin lifts it. */
  readonly until: string;
  readonly reason: string;
  /** Name of the admin. */
  readonly who: string;
}

/** A guest who is here or was here. */
export interface GuestSummary {
  readonly id: string;
  readonly name: string;
  /** Where they are, or were last. */
  readonly address: string;
  /** Their tabs that are here now. */
  readonly visits: number;
  /** When they first came, ISO 8601. */
  readonly since: string;
  /** When they were last here, ISO 8601. */
  readonly seen: string;
  /** Strokes that the world has applied, without plantings. */
  readonly strokes: number;
  readonly plantings: number;
}

/** A stroke or a planting that the world has applied. */
export interface Deed {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly step: number;
  /** Id of the guest. */
  readonly guest: string;
  /** What the guest was called. */
  readonly name: string;
  readonly address: string;
  readonly tool: Tool;
  /** Its first point, cells. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** For `plant` only. */
  readonly species?: string;
  /** Ids of the organisms that it touched, or planted; at most 8. */
  readonly organisms: readonly number[];
}

/** The answer to an act that was done at once. */
export interface Done {
  /** Why the registry does not have the act yet: its disk fails. The act is written as soon as that is possible. */
  readonly unwritten?: string;
}

/** `owner`: everything; `moderator`: players, their bodies and reports. */
export type Role = 'owner' | 'moderator';
export const ROLES: readonly Role[] = ['owner', 'moderator'];

/** Who does something. */
export interface Actor {
  readonly who: string;
  /** An IP address, or `command line`; empty: the server itself. */
  readonly address: string;
  /** The role of an admin who is logged in. */
  readonly role?: Role;
}

export interface AdminRecord {
  readonly name: string;
  readonly role: Role;
  /** ISO 8601. */
  readonly created: string;
  /** When they logged in last, ISO 8601; empty: never. */
  readonly used: string;
}

export interface AdminsAnswer {
  readonly admins: readonly AdminRecord[];
  /** Whether `--admin-token` opens the page, too. */
  readonly hasOwnerOfSettings: boolean;
}

/** A new token: it is shown once and kept nowhere. */
export interface TokenAnswer {
  readonly name: string;
  readonly token: string;
}

/** When a login ends, in seconds from now. */
export interface LoginLeft {
  /** If the admin does nothing. */
  readonly idleSeconds: number;
  /** In any case. */
  readonly seconds: number;
}

/** Requests that the page makes by itself carry this header, and do not keep their admin logged in. */
export const POLL_HEADER = 'regrow-poll';

export interface ReportedBy {
  /** Id of the guest. */
  readonly guest: string;
  readonly name: string;
  readonly address: string;
}

/** What a visitor has reported. */
export interface Report {
  readonly id: number;
  /** ISO 8601. */
  readonly at: string;
  readonly about: 'body' | 'name';
  readonly reason: ReportReason;
  readonly by: ReportedBy;
  /** Id of the guest who planted the body or has the name; empty: the garden planted it. */
  readonly guest: string;
  /** What that guest was called then. */
  readonly name: string;
  /** The body; null: a name was reported. */
  readonly organism: number | null;
  /** The body's; else empty. */
  readonly species: string;
  /** Cells: where the body grew, or where the guest's cursor was; null: not known. */
  readonly x: number | null;
  readonly y: number | null;
  /** null: it waits for a moderator. */
  readonly handled: { readonly at: string; readonly who: string; readonly outcome: string } | null;
}

/** A body that a guest planted. */
export interface OwnedBody extends OrganismEntry {
  /** Absent: it has its body. */
  readonly absence?: Absence;
}

/** A body that an admin can bring back: it is gone, or was killed and its seed waits. */
export interface LostBody {
  /** The number of its loss, if it is gone. */
  readonly loss?: number;
  /** Its id, if its seed waits. */
  readonly organism?: number;
  readonly species: string;
  /** Where its seed is or was. */
  readonly x: number;
  readonly y: number;
  /** What the planter was called; empty: the garden planted it. */
  readonly planter: string;
  /** Id of the guest who planted it; empty: the garden did. */
  readonly guest: string;
  /** `cleared`: it died after an admin had cleared its place. */
  readonly cause: 'removed' | 'withered' | 'cleared' | 'killed';
  /** Who did it. `guest` is empty for admins; both are empty when nobody did. */
  readonly by: { readonly guest: string; readonly name: string };
  /** Seconds of world time since. */
  readonly secondsAgo: number;
}

/** The answer to `bodies/bring-back`. */
export interface BroughtBack {
  /** How many are back, or will be when they have dissolved. */
  readonly organisms: number;
  /** Why the others are not, for people. */
  readonly refused: readonly {
    readonly species: string;
    readonly x: number;
    readonly y: number;
    readonly reason: string;
  }[];
  /** How many were not tried: so many at once are enough for the world. */
  readonly left: number;
}

/** The answer to `deeds`. */
export interface DeedsAnswer {
  /** Newest first. */
  readonly deeds: readonly Deed[];
  /** Newest first. */
  readonly lost: readonly LostBody[];
}

/** The answer to `people`. */
export interface PeopleAnswer {
  /** Those who are here, then those who left last. */
  readonly guests: readonly GuestSummary[];
  /** Mutes and bans in force, oldest first. */
  readonly sanctions: readonly Sanction[];
  /** Those that wait for a moderator, newest first; then those that were handled. */
  readonly reports: readonly Report[];
}

/** The answer to `guests/ID`. */
export interface GuestAnswer {
  readonly guest: GuestSummary;
  /** Newest first, since the server was started. */
  readonly deeds: readonly Deed[];
  readonly bodies: readonly OwnedBody[];
  /** Bodies that the guest did away with, or had planted; newest first. */
  readonly lost: readonly LostBody[];
}

export interface AuditEntry {
  readonly id: number;
  /** ISO 8601. */
  readonly at: string;
  readonly who: string;
  /** Empty: no admin who was logged in. */
  readonly role: Role | '';
  readonly address: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
  /** How often it happened; more than 1 for wrong tokens only. */
  readonly count: number;
}

export interface AuditAnswer {
  /** Newest first. */
  readonly entries: readonly AuditEntry[];
  /** `before` of the page that follows; null: there is none. */
  readonly next: number | null;
}

export interface OrganismEntry {
  readonly id: number;
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly health: number;
}
