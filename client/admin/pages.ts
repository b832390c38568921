/** The pages of `/admin`: one is shown at a time, and the address names it. */

import type { Role } from '../../shared/adminPeople.ts';
import { byId } from '../dom.ts';

export const PAGES = ['world', 'people', 'nursery', 'log', 'admins'] as const;
export type PageName = (typeof PAGES)[number];

const OF_OWNERS: readonly PageName[] = ['admins'];

export class Pages {
  readonly #nav = byId('pages');
  readonly #changed: (page: PageName) => void;
  #role: Role = 'moderator';
  #current: PageName = 'people';

  /** @param changed - called when another page is shown */
  constructor(changed: (page: PageName) => void) {
    this.#changed = changed;
    window.addEventListener('hashchange', () => {
      if (!this.#nav.hidden) this.#follow();
    });
  }

  get current(): PageName {
    return this.#current;
  }

  /** Shows the page that the address names, else the one that the role needs first. */
  open(role: Role): void {
    this.#role = role;
    document.body.dataset.role = role;
    this.#nav.hidden = false;
    this.#follow();
  }

  close(): void {
    this.#nav.hidden = true;
    delete document.body.dataset.role;
  }

  #follow(): void {
    const named = PAGES.find((page) => `#${page}` === location.hash);
    const isAllowed = named !== undefined && (this.#role === 'owner' || !OF_OWNERS.includes(named));
    this.#current = isAllowed ? named : this.#role === 'owner' ? 'world' : 'people';
    for (const page of PAGES) {
      byId(`page-${page}`).hidden = page !== this.#current;
      const link = this.#nav.querySelector(`[href="#${page}"]`)!;
      if (page === this.#current) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    this.#changed(this.#current);
  }
}
