/** The name in the corner: of the page, or of the world where a server has several; then with the way back to the lobby. */
import { titleOf } from '../../shared/worldNames.ts';
import { byId, setText } from '../dom.ts';
import { askWorlds, whereaboutsOf } from '../whereabouts.ts';
import { icon } from './icons.ts';

export class Brand {
  readonly #name = byId('brand');
  readonly #back = byId<HTMLAnchorElement>('to-lobby');

  constructor() {
    this.#back.prepend(icon('back'));
  }

  /** Asks for the title once: it does not change while a world runs. */
  async show(): Promise<void> {
    const { world, lobby } = whereaboutsOf(location.href);
    if (world === null) return;
    this.#back.href = lobby;
    this.#back.hidden = false;
    this.#call(titleOf(world));
    try {
      const { worlds } = await askWorlds(lobby);
      const own = worlds.find(({ name }) => name === world);
      if (own !== undefined) this.#call(own.title);
      // The lobby of one world leads back here.
      this.#back.hidden = own !== undefined && worlds.length === 1;
    } catch {
      // The name does, too.
    }
  }

  #call(title: string): void {
    setText(this.#name, title);
    this.#name.title = title;
    document.title = `${title} · Regrow`;
  }
}
