/**
 * What visitors report to moderators: a body, or somebody's name. Memory decides, and the registry's file follows as soon
 * as the disk takes it. Everything is bounded: what one guest and one address may send, what is open about one subject
 * and in all, and what is kept when it has been handled.
 */
import type { Report, ReportedBy } from '../../shared/adminPeople.ts';
import type { ReportMessage } from '../../shared/protocol.ts';
import { Allowances } from '../allowances.ts';
import type { Registry } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { ReportTable } from './reportTable.ts';

export const MAX_OPEN_REPORTS = 300;
/** About one body or one guest; with more of them, moderators know no more. */
export const MAX_OPEN_PER_SUBJECT = 5;
export const MAX_HANDLED_REPORTS = 500;
/** Reports at once, and per second: of one guest, and of all guests of one address. */
const OF_GUEST = { most: 3, perSecond: 1 / 300 } as const;
const OF_ADDRESS = { most: 12, perSecond: 1 / 75 } as const;
const FLUSH_MS = 2_000;

/** What is reported, as the server knows it. */
export type Subject = Pick<Report, 'guest' | 'name' | 'organism' | 'species' | 'x' | 'y'>;

export interface ReportsOptions {
  /** Asks the registry. @throws RegistryError when that is not possible now */
  ask<T>(question: (registry: Registry) => T): Promise<T>;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

export class Reports {
  readonly #options: ReportsOptions;
  /** By id; oldest first. */
  readonly #reports = new Map<number, Report>();
  readonly #changed = new Set<number>();
  readonly #gone = new Set<number>();
  readonly #ofGuests: Allowances;
  readonly #ofAddresses: Allowances;
  readonly #timer: NodeJS.Timeout;
  #nextId = 1;
  #isLoaded = false;

  constructor(options: ReportsOptions) {
    this.#options = options;
    const { now } = options;
    this.#ofGuests = new Allowances({ ...OF_GUEST, now });
    this.#ofAddresses = new Allowances({ ...OF_ADDRESS, now });
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS).unref();
    void this.flush();
  }

  dispose(): void {
    clearInterval(this.#timer);
    void this.flush();
  }

  /** Newest first: those that wait for a moderator, then those that were handled. */
  get all(): readonly Report[] {
    const newest = [...this.#reports.values()].reverse();
    return [...newest.filter(isOpen), ...newest.filter((report) => !isOpen(report))];
  }

  get open(): number {
    return [...this.#reports.values()].filter(isOpen).length;
  }

  /**
   * Takes a report.
   *
   * @param subject - null: it is gone
   * @returns what to tell the visitor
   */
  take(message: ReportMessage, by: ReportedBy, subject: Subject | null): string {
    if (subject === null) return 'That is gone already.';
    if (message.about === 'name' && subject.guest === by.guest) return 'That is you.';
    const open = [...this.#reports.values()].filter(
      (report) => isOpen(report) && report.about === message.about && isSame(report, subject),
    );
    if (open.some((report) => report.by.guest === by.guest))
      return 'You have reported this already. A moderator will look at it.';
    const waitMs = Math.max(this.#ofGuests.msUntil(by.guest, 1), this.#ofAddresses.msUntil(by.address, 1));
    if (waitMs > 0) return `You have reported a lot lately: wait ${Math.ceil(waitMs / 60_000)} min.`;
    if (this.open >= MAX_OPEN_REPORTS && !this.#makeRoomFor(by.address))
      return 'The moderators have more reports than they can read: try later.';
    this.#ofGuests.charge(by.guest, 1);
    this.#ofAddresses.charge(by.address, 1);
    if (open.length < MAX_OPEN_PER_SUBJECT) {
      const { about, reason } = message;
      const at = new Date().toISOString();
      this.#put({ id: this.#nextId++, at, about, reason, by, ...subject, handled: null });
    }
    return 'Thank you. A moderator will look at it.';
  }

  /**
   * Drops the newest open report of the address that has most, if it has more than this one would have: some addresses
   * that report all the time do not keep the others from it.
   *
   * @returns whether there is room
   */
  #makeRoomFor(address: string): boolean {
    const open = [...this.#reports.values()].filter(isOpen);
    const counts = new Map<string, number>();
    for (const { by } of open) counts.set(by.address, (counts.get(by.address) ?? 0) + 1);
    const [largest, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
    if (most <= (counts.get(address) ?? 0) + 1) return false;
    this.#drop(open.findLast(({ by }) => by.address === largest)!.id);
    return true;
  }

  #drop(id: number): void {
    this.#reports.delete(id);
    this.#changed.delete(id);
    this.#gone.add(id);
  }

  /**
   * Closes a report, and all others about the same body or guest.
   *
   * @returns the report; null: there is no open one with this id
   */
  handle(id: number, who: string, outcome: string): Report | null {
    const report = this.#reports.get(id);
    if (report === undefined || !isOpen(report)) return null;
    const handled = { at: new Date().toISOString(), who, outcome };
    for (const other of [...this.#reports.values()])
      if (isOpen(other) && other.about === report.about && isSame(other, report))
        this.#put({ ...other, handled });
    const closed = [...this.#reports.values()].filter((one) => !isOpen(one));
    for (const { id: old } of closed.slice(0, Math.max(0, closed.length - MAX_HANDLED_REPORTS)))
      this.#drop(old);
    return this.#reports.get(id) ?? report;
  }

  /**
   * Reads what was kept, if that was not possible before, and writes what has changed. While the registry fails, both
   * wait.
   */
  async flush(): Promise<void> {
    const { ask } = this.#options;
    try {
      if (!this.#isLoaded) this.#restore(await ask((registry) => new ReportTable(registry).all()));
      const changed = [...this.#changed];
      const gone = [...this.#gone];
      if (changed.length + gone.length === 0) return;
      const reports = changed.flatMap((id) => this.#reports.get(id) ?? []);
      await ask((registry) => new ReportTable(registry).keep(reports, gone));
      // It may have changed meanwhile.
      for (const report of reports)
        if (this.#reports.get(report.id) === report) this.#changed.delete(report.id);
      for (const id of gone) this.#gone.delete(id);
    } catch (error) {
      // The desk reports the registry's errors.
      if (!(error instanceof RegistryError)) throw error;
    }
  }

  /** Reports that were taken before the registry could be read get numbers behind those that it holds. */
  #restore(kept: readonly Report[]): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const taken = [...this.#reports.values()];
    this.#reports.clear();
    this.#changed.clear();
    for (const report of kept) this.#reports.set(report.id, report);
    this.#nextId = Math.max(0, ...kept.map(({ id }) => id)) + 1;
    for (const report of taken) this.#put({ ...report, id: this.#nextId++ });
  }

  #put(report: Report): void {
    this.#reports.set(report.id, report);
    this.#changed.add(report.id);
  }
}

const isOpen = ({ handled }: Report): boolean => handled === null;

const isSame = (a: Subject, b: Subject): boolean =>
  a.organism === b.organism && (a.organism !== null || a.guest === b.guest);
