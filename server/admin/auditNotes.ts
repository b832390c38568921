/** Notes of what admins do, for the audit log. */
import type { Done } from '../../shared/adminPeople.ts';
import type { Actor, Registry } from '../rules/registry.ts';
import type { WaitingRows } from './waitingRows.ts';

export interface AuditNotesOptions {
  /** Asks the registry. @throws RegistryError when that is not possible now */
  ask<T>(question: (registry: Registry) => T): Promise<T>;
  readonly rows: WaitingRows;
}

export class AuditNotes {
  readonly #options: AuditNotesOptions;

  constructor(options: AuditNotesOptions) {
    this.#options = options;
  }

  /**
   * Called after an act that must not wait for a disk: its row is written now, or when that is possible.
   *
   * @param enter - writes the row, and others that belong to it; default: the row alone
   */
  async after(
    actor: Actor,
    action: string,
    subject: string,
    detail: string,
    enter: (registry: Registry, at: string) => void = ({ audit }, at) =>
      void audit.note(actor, action, subject, detail, at),
  ): Promise<Done> {
    const at = new Date().toISOString();
    const text = `${action} by ${actor.who} from ${actor.address}: ${subject} ${detail}`;
    const fault = await this.#options.rows.write({ text, enter: (registry) => enter(registry, at) });
    return fault === null ? {} : { unwritten: fault };
  }

  /**
   * Called before an act that can wait: what cannot be written into the audit log is not done.
   *
   * @throws RegistryError
   */
  async before(actor: Actor, action: string, subject: string, detail: string): Promise<void> {
    await this.#options.ask(({ audit }) => audit.note(actor, action, subject, detail));
  }
}
