/** The card of a world in the lobby: a link with its picture, its people, and how its bodies fare. */
import type { LobbyWorld } from '../../shared/lobby.ts';
import { h, setText } from '../dom.ts';
import { formatHealth } from '../format.ts';
import { icon } from '../hud/icons.ts';
import { bodiesText, cardText, healthText, isThere, peopleText, STATE_WORDS } from './words.ts';

export class WorldCard {
  readonly element: HTMLLIElement;
  readonly #lobby: string;
  readonly #link: HTMLAnchorElement;
  readonly #picture = h('img', {
    class: 'world__picture',
    alt: '',
    decoding: 'async',
    width: '384',
    height: '240',
  });
  readonly #state = h('p', { class: 'world__state' });
  readonly #title = h('span', { class: 'world__title' });
  readonly #players = h('span', { class: 'world__fact' });
  readonly #bodies = h('span', { class: 'world__fact' });
  readonly #fare = h('span', { class: 'world__fare' });
  readonly #meter = h('span', { class: 'world__meter' });
  #shown: string | null = null;

  /** @param lobby - URL of the lobby */
  constructor({ name }: LobbyWorld, lobby: string) {
    this.#lobby = lobby;
    const count = (name: 'players' | 'organisms', value: HTMLElement): HTMLElement =>
      h('span', { class: 'world__count' }, icon(name, true), value);
    // The link says all of it in one sentence; its parts are for the eye.
    this.#link = h(
      'a',
      { class: 'world panel', href: new URL(`w/${name}/`, lobby).href },
      h('span', { class: 'world__frame', 'aria-hidden': 'true' }, this.#picture, this.#state),
      h(
        'span',
        { class: 'world__text', 'aria-hidden': 'true' },
        this.#title,
        h(
          'span',
          { class: 'world__facts' },
          count('players', this.#players),
          count('organisms', this.#bodies),
        ),
        h('span', { class: 'world__health' }, h('span', { class: 'world__track' }, this.#meter), this.#fare),
      ),
    );
    this.#picture.hidden = true;
    this.element = h('li', { class: 'worlds__item', 'data-world': name }, this.#link);
  }

  show(world: LobbyWorld): void {
    const { title, state, players, bodies, health, picture } = world;
    const text = cardText(world);
    if (this.#link.getAttribute('aria-label') !== text) this.#link.setAttribute('aria-label', text);
    this.#link.dataset.state = state;
    setText(this.#state, STATE_WORDS[state]);
    this.#state.hidden = STATE_WORDS[state] === '';
    setText(this.#title, title);
    const isNow = isThere(world);
    setText(this.#players, isNow ? peopleText(players) : '–');
    setText(this.#bodies, (isNow && bodiesText(bodies)) || '–');
    setText(this.#fare, healthText(world));
    this.#meter.style.width = health === null || !isNow ? '0' : `${formatHealth(health)}%`;
    this.#meter.dataset.fare = health !== null && health < 0.8 ? 'hurt' : 'well';
    if (picture !== null && picture !== this.#shown) void this.#load(picture);
  }

  /** The old picture stays until the new one is there. */
  async #load(address: string): Promise<void> {
    this.#shown = address;
    const next = new Image();
    next.src = new URL(address, this.#lobby).href;
    try {
      await next.decode();
    } catch {
      if (this.#shown === address) this.#shown = null;
      return;
    }
    if (this.#shown !== address) return;
    this.#picture.src = next.src;
    this.#picture.hidden = false;
  }
}
